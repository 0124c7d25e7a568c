/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Inside HTTP: what its two files share, http.c (connections and their limits) and http_routes.c (answers). */
#ifndef TAPSTAT_HTTP_SERVER_H
#define TAPSTAT_HTTP_SERVER_H

#include "buffer.h"
#include "http.h"

struct evhttp_request;

struct http_routes {
	struct http_config config;
	struct buffer text; /* the latest answer, kept for its memory */
	bool ready;
};

/* Sends the answer, always. `busy`: too many bytes of earlier answers wait for slow clients. */
void http_routes_answer(struct http_routes *routes, struct evhttp_request *req, bool busy);

#endif
