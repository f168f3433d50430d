/**
 * Somebody else's site with the widget on it: its style says something about every element, and means it.
 */
import { createServer } from 'node:http';
import { once } from 'node:events';

const hostile = `
  * { all: revert; font: italic 31px/3 serif !important; color: #f0f !important; letter-spacing: 0.4em !important;
      text-transform: uppercase !important; direction: rtl !important; box-sizing: content-box !important;
      margin: 9px !important; padding: 9px !important; border: 4px dashed lime !important; background: #ff0 !important;
      display: block !important; position: static !important; float: left !important; }
  body * { transform: rotate(1deg) !important; }
  html { font-size: 30px !important; }
  button, textarea, article, header { visibility: hidden !important; opacity: 0.2 !important; }
`;

/** Serves the page at an origin of its own; `policy` is its content security policy. */
export async function startHostPage(script, { policy = '', attributes = '' } = {}) {
  const server = createServer((request, response) => {
    if (request.url !== '/') return void response.writeHead(204).end();
    const headers = { 'content-type': 'text/html; charset=utf-8', ...(policy && { 'content-security-policy': policy }) };
    response.writeHead(200, headers).end(`<!doctype html><html lang="en"><title>A shop</title><meta name="viewport" content="width=device-width">
      ${policy ? '' : `<style>${hostile}</style>`}<h1>A shop</h1><p id="own">Its own words.</p><input value="its own box">
      <script async src="${script}" data-workspace="demo" ${attributes}></script></html>`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
