// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Client of the npm package `ws`, driven by commands. Arguments: URL, then any of `deflate`, `protocol=NAME`.
'use strict';

const peer = require('./peer.js');

const WebSocket = peer.load('ws');
const [url, ...options] = process.argv.slice(2);
const protocols = options.filter((option) => option.startsWith('protocol=')).map((option) => option.slice(9));
const sockets = [];

const event = (socket, name) => new Promise((resolve, reject) => {
  socket.once(name, (...values) => resolve(values));
  socket.once('error', reject);
});

function count(socket) {
  socket.on('message', (data, binary) => peer.countMessage('received', binary, data.length));
  socket.on('ping', () => {
    peer.count('received.ping');
    peer.count('sent.pong');
  });
  socket.on('pong', () => peer.count('received.pong'));
}

const each = (work) => Promise.all(sockets.map(work));

peer.serve({
  open: async ({ n = 1 }) => {
    for (let i = 0; i < n; i++) {
      const socket = new WebSocket(url, protocols, {
        perMessageDeflate: options.includes('deflate') ? { threshold: 64 } : false,
        maxPayload: 1 << 30,
      });
      count(socket);
      await event(socket, 'open');
      sockets.push(socket);
    }
  },
  echo: async (command) => each(async (socket) => {
    for (const payload of peer.payloads(command)) {
      const back = event(socket, 'message');
      peer.countMessage('sent', typeof payload !== 'string', payload.length);
      socket.send(payload);
      await back;
    }
  }),
  // One message in as many frames as there are sizes.
  fragments: async ({ sizes, binary = false }) => each(async (socket) => {
    const back = event(socket, 'message');
    sizes.forEach((size, i) => socket.send(Buffer.alloc(size, 0x61), { binary, fin: i === sizes.length - 1 }));
    peer.countMessage('sent', binary, sizes.reduce((sum, size) => sum + size, 0));
    await back;
  }),
  ping: async ({ n = 1 }) => each(async (socket) => {
    for (let i = 0; i < n; i++) {
      const pong = event(socket, 'pong');
      peer.count('sent.ping');
      socket.ping(`ping ${i}`);
      await pong;
    }
  }),
  close: async ({ code, reason }) => {
    await each((socket) => {
      const end = event(socket, 'close');
      socket.close(code, reason);
      return end;
    });
    sockets.length = 0;
  },
  // The server has closed them.
  forget: async () => { sockets.length = 0; },
  terminate: async () => {
    await each((socket) => {
      const end = event(socket, 'close');
      socket.terminate();
      return end;
    });
    sockets.length = 0;
  },
});
