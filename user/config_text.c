/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* configuration file ──> [config_text] ──> config_yaml: see config_text.h. */
#include "config_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "utf8.h"

static const char byte_order_mark[] = "\xef\xbb\xbf";

enum { MARK_BYTES = sizeof(byte_order_mark) - 1 };

static int refuse(struct config_error *why, int err)
{
	if (err == -EISDIR)
		config_error_add(why, 0, 0, "is a directory: valid is a YAML file");
	else if (err == -EFBIG)
		config_error_add(why, 0, 0, "is too long: valid are at most %d bytes", CONFIG_FILE_BYTES);
	else
		config_error_add(why, 0, 0, "cannot read it: %s", strerror(-err));
	return err;
}

/* Bytes read into `text`, which holds one more than is valid; or a negative errno. */
static ssize_t read_all(int fd, char *text)
{
	size_t used = 0;

	while (used <= CONFIG_FILE_BYTES) {
		ssize_t n = read(fd, text + used, CONFIG_FILE_BYTES + 1 - used);

		if (!n)
			return (ssize_t)used;
		if (n < 0 && errno != EINTR)
			return -errno;
		used += n > 0 ? (size_t)n : 0;
	}
	return -EFBIG;
}

int config_text_read(const char *path, char **text, size_t *n, struct config_error *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t used;
	char *room;

	if (fd < 0)
		return refuse(why, -errno);
	room = malloc(CONFIG_FILE_BYTES + 1);
	used = room ? read_all(fd, room) : -ENOMEM;
	close(fd);
	if (used < 0) {
		free(room);
		return refuse(why, (int)used);
	}
	*text = room;
	*n = (size_t)used;
	return 0;
}

size_t config_text_mark(const char *text, size_t n)
{
	return n >= MARK_BYTES && !memcmp(text, byte_order_mark, MARK_BYTES) ? MARK_BYTES : 0;
}

/* Of a valid sequence. YAML also takes U+0085 from among the control characters. */
static bool is_printable(const char *text, size_t bytes)
{
	const unsigned char *s = (const unsigned char *)text;

	if (bytes == 1)
		return (*s >= 0x20 && *s != 0x7f) || *s == '\t' || *s == '\n' || *s == '\r';
	if (bytes == 2 && s[0] == 0xc2)
		return s[1] >= 0xa0 || s[1] == 0x85;
	if (bytes == 3 && s[0] == 0xef)
		return memcmp(s, byte_order_mark, MARK_BYTES) != 0 && !(s[1] == 0xbf && s[2] >= 0xbe);
	return true;
}

int config_text_check(const char *text, size_t n, struct config_error *why)
{
	unsigned int line = 1, column = 1;
	size_t bytes;

	for (size_t i = config_text_mark(text, n); i < n; i += bytes) {
		bytes = utf8_sequence(text + i, n - i);
		if (!bytes) {
			config_error_add(why, line, column, "byte 0x%02x is not UTF-8: valid is a text file in UTF-8",
					 (unsigned char)text[i]);
			return -EINVAL;
		}
		if (!is_printable(text + i, bytes)) {
			config_error_add(why, line, column,
					 "a character that cannot be printed (byte 0x%02x): valid are line breaks, "
					 "tabs and what can be printed",
					 (unsigned char)text[i]);
			return -EINVAL;
		}
		column++;
		if (text[i] == '\n' || (text[i] == '\r' && (i + 1 == n || text[i + 1] != '\n'))) {
			line++;
			column = 1;
		}
	}
	return 0;
}
