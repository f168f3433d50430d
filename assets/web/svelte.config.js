/**
 * How Svelte compiles. Fragments are built with `createElement` ("tree") instead of `innerHTML`, so the pages and the
 * widget run under a policy that demands Trusted Types.
 */
export default {
  compilerOptions: { runes: true, fragments: 'tree' },
};
