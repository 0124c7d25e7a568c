// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the Node peers share: commands as JSON lines on standard input, one JSON line each as the answer, and the
// counts of what a peer itself sent and received.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const { createRequire } = require('node:module');
const { createInterface } = require('node:readline');

// The npm packages live outside the tree: the suite names their directory.
exports.load = createRequire(process.env.E2E_NODE_MODULES + '/');

// A server of HTTP, inside TLS if the suite gives it a certificate.
exports.createServer = (options, handler) => {
  const file = process.env.E2E_CERTIFICATE;
  if (!file) return http.createServer(options, handler);
  const certificate = fs.readFileSync(file);
  return https.createServer({ ...options, key: certificate, cert: certificate }, handler);
};

exports.counts = {};

exports.count = (key, by = 1) => {
  exports.counts[key] = (exports.counts[key] || 0) + by;
};

exports.countMessage = (direction, binary, bytes) => {
  exports.count(`${direction}.${binary ? 'binary' : 'text'}`);
  exports.count(`bytes.${direction}`, bytes);
};

exports.say = (object) => {
  process.stdout.write(JSON.stringify(object) + '\n');
};

// Answers every command with what handlers[command.do] resolves to; ends with standard input.
exports.serve = (handlers) => {
  const all = { counts: async () => exports.counts, ...handlers };
  const lines = createInterface({ input: process.stdin });
  let last = Promise.resolve();
  lines.on('line', (line) => {
    const command = JSON.parse(line);
    last = last.then(() => all[command.do](command)).then(
      (result) => exports.say(result || {}),
      (error) => exports.say({ error: String(error && error.stack || error) }),
    );
  });
  lines.on('close', () => last.then(() => process.exit(0)));
};

// The payloads of an echo command: {texts: [sizes], binaries: [sizes], rounds}.
exports.payloads = function* ({ texts = [], binaries = [], rounds = 1 }) {
  for (let round = 0; round < rounds; round++) {
    for (const size of texts) yield 'x'.repeat(size);
    for (const size of binaries) yield Buffer.alloc(size, round);
  }
};
