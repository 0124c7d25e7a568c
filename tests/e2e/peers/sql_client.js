// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Node's SQL drivers, driven by the commands of sql_client.py. Arguments: pg or mysql2, where to connect as JSON.
'use strict';

const fs = require('node:fs');

const peer = require('./peer.js');

const [name, target] = process.argv.slice(2);
const options = JSON.parse(target);
if (options.ssl) options.ssl.ca = fs.readFileSync(options.ssl.ca);

const drivers = {
  pg: {
    connect: async () => {
      const { Client } = peer.load('pg');
      const client = new Client(options);
      await client.connect();
      return client;
    },
    // A name makes it a prepared statement, parameters alone the extended protocol, neither a simple query.
    run: async (client, { sql, params, prepared }) => {
      const result = await client.query(params ? { text: sql, values: params, name: prepared } : sql);
      return Array.isArray(result) ? result.length : result.rowCount;
    },
    close: (client) => client.end(),
  },
  mysql2: {
    connect: () => peer.load('mysql2/promise').createConnection({ ...options, multipleStatements: true }),
    // execute() is the binary protocol: prepared once, then executed.
    run: async (connection, { sql, params, prepared }) => {
      const [rows] = await (prepared ? connection.execute(sql, params) : connection.query(sql, params));
      return Array.isArray(rows) ? rows.length : rows.affectedRows;
    },
    ping: (connection) => connection.ping(),
    close: (connection) => connection.end(),
  },
};

const driver = drivers[name];
const connections = [];

peer.serve({
  open: async ({ n = 1 }) => {
    for (let i = 0; i < n; i++) connections.push(await driver.connect());
  },
  run: async ({ c = 0, times = 1, ...how }) => {
    const answer = { rows: 0, errors: [] };
    const began = process.hrtime.bigint();
    for (let i = 0; i < times; i++) {
      try {
        answer.rows += await driver.run(connections[c], how);
      } catch (error) {
        answer.errors.push(error.code);
      }
    }
    answer.seconds = Number(process.hrtime.bigint() - began) / 1e9;
    return answer;
  },
  call: async ({ method, c = 0 }) => ({ result: (await driver[method](connections[c])) ?? null }),
  close: async () => {
    while (connections.length) await driver.close(connections.pop());
  },
});
