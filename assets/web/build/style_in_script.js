/**
 * A Vite plugin that moves the one style sheet of a build into its script, in place of the constant `PANEL_STYLE`.
 *
 * The widget's panel lives in a shadow root on a page of another site. A `<link>` or `<style>` there would be subject to that
 * page's content security policy; a constructed style sheet is not, and for that the text must be at hand in the script.
 */
const placeholder = 'PANEL_STYLE';

/** @returns {import('vite').Plugin} */
export function styleInScript() {
  return {
    name: 'style-in-script',
    enforce: 'post',
    generateBundle(_options, bundle) {
      let style = '';
      for (const [name, file] of Object.entries(bundle)) {
        if (file.type !== 'asset' || !name.endsWith('.css')) continue;
        style += typeof file.source === 'string' ? file.source : new TextDecoder().decode(file.source);
        delete bundle[name];
      }
      let placed = 0;
      for (const file of Object.values(bundle)) {
        if (file.type !== 'chunk' || !file.code.includes(placeholder)) continue;
        file.code = file.code.replace(placeholder, () => JSON.stringify(style.trim()));
        placed += 1;
      }
      if (placed !== 1) this.error(`expected one place for the style sheet, found ${placed}`);
    },
  };
}
