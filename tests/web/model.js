/**
 * A language model's server that looks at pictures: it reads the same in each of them, and answers with a citation.
 */
import { createServer } from 'node:http';
import { once } from 'node:events';

const SEEN = 'Juniper, display shows error E-17';
export const ANSWER = 'E-17 means that the grinder is jammed. Empty the hopper and press **Start** [1].';

/** `pictures` are the data URLs that it was shown, in order. */
export async function startModel() {
  const pictures = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    const { messages } = JSON.parse(body);
    const parts = messages.flatMap(({ content }) => (Array.isArray(content) ? content : []));
    pictures.push(...parts.filter(({ type }) => type === 'image_url').map(({ image_url }) => image_url.url));
    const text = messages[0].content.startsWith('You help the support desk') ? SEEN : ANSWER;
    const events = [
      { choices: [{ index: 0, delta: { content: text }, finish_reason: null }] },
      { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      { choices: [], usage: { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 } },
    ];
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`${events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')}data: [DONE]\n\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const settings = `[assistant]
provider = "eyes"
[[ai.provider]]
name = "eyes"
base_url = "http://127.0.0.1:${port}/v1"
model = "eyes"
vision = true
[[outbound.allow]]
address = "127.0.0.1:${port}"
private = true
plain_http = true
`;
  return { settings, pictures, stop: () => server.close() };
}
