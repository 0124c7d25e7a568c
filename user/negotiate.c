/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* HTTP ──> [negotiate] ──> exposition: see negotiate.h. */
#include "negotiate.h"

#include <string.h>
#include <strings.h>

enum { Q_ABSENT = -1, Q_ONE = 1000 };

/* A part of the header's value; not NUL-terminated. */
struct token {
	const char *at;
	size_t n;
};

static bool token_is(struct token token, const char *text)
{
	return token.n == strlen(text) && !strncasecmp(token.at, text, token.n);
}

static struct token trim(struct token token)
{
	while (token.n && strchr(" \t", token.at[0]))
		token.at++, token.n--;
	while (token.n && strchr(" \t", token.at[token.n - 1]))
		token.n--;
	return token;
}

/* The part of *rest before `separator`, which goes; *rest becomes what is behind. Quoted separators do not count. */
static bool next_token(struct token *rest, char separator, struct token *token)
{
	bool quoted = false;
	size_t n = 0;

	if (!rest->at)
		return false;
	while (n < rest->n && (quoted || rest->at[n] != separator)) {
		quoted ^= rest->at[n] == '"';
		n++;
	}
	*token = trim((struct token){rest->at, n});
	*rest = n < rest->n ? (struct token){rest->at + n + 1, rest->n - n - 1} : (struct token){NULL, 0};
	return true;
}

/* Thousandths of a q-value ("0.75"); what is none counts as 0. */
static int parse_q(struct token text)
{
	int q = 0, unit = Q_ONE;

	for (size_t i = 0; i < text.n && i < 5; i++) {
		if (i == 1) {
			if (text.at[i] != '.')
				return 0;
			continue;
		}
		if (text.at[i] < '0' || text.at[i] > '9')
			return 0;
		q += (text.at[i] - '0') * unit;
		unit /= 10;
	}
	return q > Q_ONE ? Q_ONE : q;
}

/* One element of a list: its name, q, and the parameter `version` if it has one. */
struct element {
	struct token name, version;
	int q;
};

static bool next_element(struct token *rest, struct element *element)
{
	struct token item, parameter;

	if (!next_token(rest, ',', &item))
		return false;
	*element = (struct element){.q = Q_ONE};
	next_token(&item, ';', &element->name);
	while (next_token(&item, ';', &parameter)) {
		struct token key;

		if (!next_token(&parameter, '=', &key) || !parameter.at)
			continue;
		parameter = trim(parameter);
		if (token_is(key, "q"))
			element->q = parse_q(parameter);
		else if (token_is(key, "version"))
			element->version = parameter;
	}
	return true;
}

enum exposition_format negotiate_format(const char *accept)
{
	struct token rest = {accept, accept ? strlen(accept) : 0};
	int openmetrics = Q_ABSENT, text = Q_ABSENT, text_rank = 0;
	struct element element;

	while (next_element(&rest, &element)) {
		int rank = 0;

		if (token_is(element.name, "application/openmetrics-text")) {
			if (!element.version.n || token_is(element.version, "1.0.0"))
				openmetrics = element.q > openmetrics ? element.q : openmetrics;
			continue;
		}
		if (token_is(element.name, "text/plain") &&
		    (!element.version.n || token_is(element.version, "0.0.4")))
			rank = 3;
		else if (token_is(element.name, "text/*"))
			rank = 2;
		else if (token_is(element.name, "*/*"))
			rank = 1;
		/* The most specific range decides. */
		if (rank > text_rank) {
			text_rank = rank;
			text = element.q;
		} else if (rank && rank == text_rank && element.q > text) {
			text = element.q;
		}
	}
	return openmetrics > 0 && openmetrics >= text ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT;
}

bool negotiate_gzip(const char *accept_encoding)
{
	struct token rest = {accept_encoding, accept_encoding ? strlen(accept_encoding) : 0};
	int gzip = Q_ABSENT, identity = Q_ABSENT, any = Q_ABSENT;
	struct element element;

	while (next_element(&rest, &element)) {
		if (token_is(element.name, "gzip") || token_is(element.name, "x-gzip"))
			gzip = element.q;
		else if (token_is(element.name, "identity"))
			identity = element.q;
		else if (token_is(element.name, "*"))
			any = element.q;
	}
	if (gzip == Q_ABSENT)
		gzip = any;
	return gzip > 0 && gzip >= identity;
}
