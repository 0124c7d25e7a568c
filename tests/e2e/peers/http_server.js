// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An HTTP/1.1 server of Node's own, with a WebSocket at /chat. Argument: port, or path of an AF_UNIX socket.
// The first segment of the path says what happens; what follows is free, so that tests make the paths they need.
'use strict';

const peer = require('./peer.js');

const { WebSocketServer } = peer.load('ws');
const [where] = process.argv.slice(2);
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function body(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}

const routes = {
  // /status/204: that status, with a body where it may have one.
  async status(request, response, [code]) {
    await body(request);
    response.writeHead(Number(code));
    response.end(['204', '304'].includes(code) ? undefined : `status ${code}\n`);
  },
  async echo(request, response) {
    const data = await body(request);
    response.writeHead(200, { 'Content-Length': data.length });
    response.end(data);
  },
  // /chunked/3: so many chunks, each its own write, and a trailer.
  async chunked(request, response, [count]) {
    await body(request);
    response.writeHead(200, { Trailer: 'X-Sum' });
    for (let i = 0; i < Number(count); i++) {
      response.write('0\r\n\r\nHTTP/1.1 500 not a response\r\n\r\n'.repeat(i + 1));
      await pause(1);
    }
    response.addTrailers({ 'X-Sum': 'HTTP/1.1 501' });
    response.end();
  },
  async hints(request, response) {
    await body(request);
    response.writeProcessing();
    response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
    response.writeHead(200, { 'Content-Length': 2 });
    response.end('ok');
  },
  // /slow/120: an answer after so many milliseconds.
  async slow(request, response, [milliseconds]) {
    await body(request);
    await pause(Number(milliseconds));
    response.end('slow');
  },
  // /close: a body that ends with the connection.
  async close(request, response) {
    await body(request);
    response.useChunkedEncodingByDefault = false;
    response.writeHead(200, { Connection: 'close' });
    response.write('the end ');
    response.end('of the connection');
  },
  // /refuse: an answer before the request's body, and the end.
  async refuse(request, response) {
    response.writeHead(413, { 'Connection': 'close', 'Content-Length': 0 });
    response.end(() => request.socket.destroySoon());
  },
  // /hang: no answer.
  async hang() { },
};

const server = peer.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const segments = request.url.replace(/^[a-z]+:\/\/[^/]*/, '').split('?')[0].split('/').slice(1);
  peer.count(`requests.${request.method}`);
  const route = routes[segments[0]];
  if (route) return route(request, response, segments.slice(1)).catch(() => response.destroy());
  return body(request).then(() => response.end('ok'), () => response.destroy());
});
// A tunnel that echoes what comes through it.
server.on('connect', (_request, socket) => {
  peer.count('requests.CONNECT');
  socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
  socket.pipe(socket);
});

const upgrades = new WebSocketServer({ noServer: true });
server.on('upgrade', (request, socket, head) => {
  peer.count('requests.upgrade');
  upgrades.handleUpgrade(request, socket, head, (connection) => {
    connection.on('message', (data, binary) => connection.send(data, { binary }));
  });
});
server.listen(...(/^\d+$/.test(where) ? [Number(where), '127.0.0.1'] : [where]), () => peer.say({ listening: where }));
peer.serve({});
