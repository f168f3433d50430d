/**
 * The dashboard, `/` and `/setup`.
 */
import { mount } from 'svelte';
import '../tokens.css';
import '../base.css';
import './dashboard.css';
import App from './App.svelte';
import { locale } from './words';

document.documentElement.lang = locale.tag;
document.documentElement.dir = locale.direction;

const target = document.createElement('div');
target.className = 'frontdesk';
document.body.append(target);
mount(App, { target });
