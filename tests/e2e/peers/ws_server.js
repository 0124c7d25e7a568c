// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Echo server of the npm package `ws`. Arguments: PORT (a path: AF_UNIX), then any of `deflate`, `cluster`. It also
// serves page.html and keeps what the page reports.
'use strict';

const cluster = require('node:cluster');
const fs = require('node:fs');
const path = require('node:path');
const peer = require('./peer.js');

const { WebSocketServer } = peer.load('ws');
const [where, ...options] = process.argv.slice(2);
const port = /^\d+$/.test(where) ? Number(where) : where;
const WORKERS = 2;

function watch(socket) {
  socket.on('message', (data, binary) => {
    peer.countMessage('received', binary, data.length);
    peer.countMessage('sent', binary, data.length);
    socket.send(data, { binary });
  });
  socket.on('ping', () => {
    peer.count('received.ping');
    peer.count('sent.pong');
  });
  socket.on('pong', () => peer.count('received.pong'));
}

let pageIsDone;
const page = new Promise((resolve) => { pageIsDone = resolve; });

function answer(request, response) {
  if (request.method === 'POST') {
    let body = '';
    request.on('data', (data) => { body += data; });
    request.on('end', () => {
      response.end();
      pageIsDone(JSON.parse(body));
    });
  } else {
    response.setHeader('Content-Type', 'text/html');
    response.end(fs.readFileSync(path.join(__dirname, 'page.html')));
  }
}

function listen() {
  const server = peer.createServer({}, answer);
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: options.includes('deflate') ? { threshold: 64 } : false,
    maxPayload: 1 << 30,
  });
  sockets.on('connection', watch);
  const handlers = {
    ping: async ({ n = 1 }) => {
      for (const socket of sockets.clients) {
        for (let i = 0; i < n; i++) {
          const pong = new Promise((resolve) => socket.once('pong', resolve));
          peer.count('sent.ping');
          socket.ping(`ping ${i}`);
          await pong;
        }
      }
    },
    close: async ({ code, reason }) => {
      await Promise.all([...sockets.clients].map((socket) => new Promise((resolve) => {
        socket.once('close', resolve);
        socket.close(code, reason);
      })));
    },
    page: () => page,
  };
  return new Promise((resolve) => server.listen(port, () => resolve(handlers)));
}

if (options.includes('cluster') && cluster.isPrimary) {
  let ready = 0;
  for (let i = 0; i < WORKERS; i++) {
    cluster.fork().on('listening', () => {
      if (++ready === WORKERS) {
        peer.say({ listening: port });
        peer.serve({ counts: async () => ({}) });
      }
    });
  }
} else {
  listen().then((handlers) => {
    if (cluster.isPrimary) {
      peer.say({ listening: port });
      peer.serve(handlers);
    }
  });
}
