// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Echo server of socket.io, with its long polling and its WebSocket transport. Argument: PORT.
'use strict';

const http = require('node:http');
const peer = require('./peer.js');

const { Server } = peer.load('socket.io');
const port = Number(process.argv[2]);
const server = http.createServer();
const io = new Server(server, { maxHttpBufferSize: 1 << 28, pingInterval: 600000 });

io.on('connection', (socket) => {
  socket.on('message', (data, answer) => answer(data));
});
server.listen(port, '127.0.0.1', () => {
  peer.say({ listening: port });
  peer.serve({});
});
