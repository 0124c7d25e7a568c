/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The metric catalog: one row per family, read by the kernel side (cell indices), the exposition (HELP, TYPE,
 * labels), `tapstat catalog` and docs/metrics.md. Nothing else names a metric.
 *
 * A family of a *series* (one service in one role) owns a run of 64-bit cells in struct series (abi.h): one for
 * each combination of its label values, or a whole histogram for each. CELL_<ID> is the first of the run; cells of
 * a histogram are its buckets in the order of their bounds, the +Inf bucket, then the sum.
 *
 * To add a family: one row here; record into CELL_<ID> (bpf/record.h); run `make docs`.
 */
#ifndef TAPSTAT_CATALOG_H
#define TAPSTAT_CATALOG_H

#include "operations.h"

/* clang-format off */

/* ---- Label dimensions: closed sets of values, in the order of the cells --------------------------------- */

#define LABEL_SET_NO_LABEL(V) V(NO_LABEL, ONLY, "")

#define LABEL_SET_DIRECTION(V)             \
	V(DIRECTION, RECEIVED, "received") \
	V(DIRECTION, SENT, "sent")

/* `error` and `closed` exclude each other; both are counted at the end of the connection. */
#define LABEL_SET_CONNECTION_STATUS(V)         \
	V(CONNECTION_STATUS, OPENED, "opened") \
	V(CONNECTION_STATUS, CLOSED, "closed") \
	V(CONNECTION_STATUS, ERROR, "error")

#define LABEL_SET_MESSAGE_TYPE(V)         \
	V(MESSAGE_TYPE, TEXT, "text")     \
	V(MESSAGE_TYPE, BINARY, "binary") \
	V(MESSAGE_TYPE, CLOSE, "close")   \
	V(MESSAGE_TYPE, PING, "ping")     \
	V(MESSAGE_TYPE, PONG, "pong")

#define LABEL_SET_LATENCY_TYPE(V)         \
	V(LATENCY_TYPE, TEXT, "text")     \
	V(LATENCY_TYPE, BINARY, "binary") \
	V(LATENCY_TYPE, PING, "ping")

/* RFC 6455 section 5.2, in the order of the opcodes 0, 1, 2, 8, 9, 10. */
#define LABEL_SET_OPCODE(V)                     \
	V(OPCODE, CONTINUATION, "continuation") \
	V(OPCODE, TEXT, "text")                 \
	V(OPCODE, BINARY, "binary")             \
	V(OPCODE, CLOSE, "close")               \
	V(OPCODE, PING, "ping")                 \
	V(OPCODE, PONG, "pong")

#define LABEL_SET_WS_ERROR(V)                   \
	V(WS_ERROR, TIMEOUT, "timeout")         \
	V(WS_ERROR, DECODE, "decode")           \
	V(WS_ERROR, SEND_FAILED, "send_failed") \
	V(WS_ERROR, CONNECTION_LOST, "connection_lost")

/* RFC 6455 section 7.4.1 and the IANA registry; 1004–1006 and 1015 never travel in a frame. */
#define LABEL_SET_CLOSE_CODE(V)     \
	V(CLOSE_CODE, 1000, "1000") \
	V(CLOSE_CODE, 1001, "1001") \
	V(CLOSE_CODE, 1002, "1002") \
	V(CLOSE_CODE, 1003, "1003") \
	V(CLOSE_CODE, 1007, "1007") \
	V(CLOSE_CODE, 1008, "1008") \
	V(CLOSE_CODE, 1009, "1009") \
	V(CLOSE_CODE, 1010, "1010") \
	V(CLOSE_CODE, 1011, "1011") \
	V(CLOSE_CODE, 1012, "1012") \
	V(CLOSE_CODE, 1013, "1013") \
	V(CLOSE_CODE, 1014, "1014") \
	V(CLOSE_CODE, NONE, "none") \
	V(CLOSE_CODE, OTHER, "other")

#define LABEL_SET_RECONNECT_REASON(V)                           \
	V(RECONNECT_REASON, CONNECTION_LOST, "connection_lost") \
	V(RECONNECT_REASON, HEARTBEAT_TIMEOUT, "heartbeat_timeout")

/* The name of the label, where it has one, of each dimension above. */
#define LABEL_NAMES(N)                  \
	N(NO_LABEL, "")                 \
	N(DIRECTION, "direction")       \
	N(CONNECTION_STATUS, "status")  \
	N(MESSAGE_TYPE, "message_type") \
	N(LATENCY_TYPE, "message_type") \
	N(OPCODE, "opcode")             \
	N(WS_ERROR, "error_type")       \
	N(CLOSE_CODE, "code")           \
	N(BACKEND, "backend")           \
	N(RECONNECT_REASON, "reason")   \
	N(OPERATION_STATUS, "status")

/* clang-format on */

#define TAPSTAT_LABEL_VALUE(set, value, text) set##_##value,
enum label_no_label { LABEL_SET_NO_LABEL(TAPSTAT_LABEL_VALUE) NO_LABEL_COUNT };
enum label_direction { LABEL_SET_DIRECTION(TAPSTAT_LABEL_VALUE) DIRECTION_COUNT };
enum label_connection_status { LABEL_SET_CONNECTION_STATUS(TAPSTAT_LABEL_VALUE) CONNECTION_STATUS_COUNT };
enum label_message_type { LABEL_SET_MESSAGE_TYPE(TAPSTAT_LABEL_VALUE) MESSAGE_TYPE_COUNT };
enum label_latency_type { LABEL_SET_LATENCY_TYPE(TAPSTAT_LABEL_VALUE) LATENCY_TYPE_COUNT };
enum label_opcode { LABEL_SET_OPCODE(TAPSTAT_LABEL_VALUE) OPCODE_COUNT };
enum label_ws_error { LABEL_SET_WS_ERROR(TAPSTAT_LABEL_VALUE) WS_ERROR_COUNT };
enum label_close_code { LABEL_SET_CLOSE_CODE(TAPSTAT_LABEL_VALUE) CLOSE_CODE_COUNT };
enum label_reconnect_reason { LABEL_SET_RECONNECT_REASON(TAPSTAT_LABEL_VALUE) RECONNECT_REASON_COUNT };

/* clang-format off */

/* ---- Histogram bounds: upper, inclusive; nanoseconds or bytes or a plain number -------------------------- */

#define BOUNDS_DURATION(B)                                                                                    \
	B(100000) B(250000) B(500000) B(1000000) B(2500000) B(5000000) B(10000000) B(25000000)                \
	B(50000000) B(100000000) B(250000000) B(500000000) B(1000000000) B(2500000000) B(5000000000)          \
	B(10000000000)
#define BOUNDS_LIFETIME(B)                                                                                    \
	B(1000000000) B(5000000000) B(15000000000) B(60000000000) B(300000000000) B(900000000000)             \
	B(3600000000000) B(14400000000000) B(86400000000000)
#define BOUNDS_SIZE(B)                                                                                        \
	B(16) B(64) B(256) B(1024) B(4096) B(16384) B(65536) B(262144) B(1048576) B(4194304) B(16777216)
#define BOUNDS_PER_MINUTE(B) B(1) B(10) B(30) B(60) B(120) B(300) B(600) B(1200) B(6000)

/* clang-format on */

#define TAPSTAT_COUNT_ONE(bound) +1 /* NOLINT(bugprone-macro-parentheses): a term of a sum */
enum {
	BOUNDS_DURATION_COUNT = 0 BOUNDS_DURATION(TAPSTAT_COUNT_ONE),
	BOUNDS_LIFETIME_COUNT = 0 BOUNDS_LIFETIME(TAPSTAT_COUNT_ONE),
	BOUNDS_SIZE_COUNT = 0 BOUNDS_SIZE(TAPSTAT_COUNT_ONE),
	BOUNDS_PER_MINUTE_COUNT = 0 BOUNDS_PER_MINUTE(TAPSTAT_COUNT_ONE),
};

/* Cells of one label combination: a number, or the buckets, +Inf and the sum of a histogram. */
enum {
	SHAPE_NUMBER_CELLS = 1,
	SHAPE_DURATION_CELLS = BOUNDS_DURATION_COUNT + 2,
	SHAPE_LIFETIME_CELLS = BOUNDS_LIFETIME_COUNT + 2,
	SHAPE_SIZE_CELLS = BOUNDS_SIZE_COUNT + 2,
	SHAPE_PER_MINUTE_CELLS = BOUNDS_PER_MINUTE_COUNT + 2,
};

/* clang-format off */

/* ---- Families of a series: labels `service`, `role` and the two dimensions of the row --------------------- */

/* Families that differ by direction in their name only stand received first, sent second, one after the other:
 * the kernel adds direction × run length to the first. */
#define TAPSTAT_SERIES_FAMILIES(F)                                                                                   \
	F(WS_CONNECTIONS, "ws_connections_total", COUNTER, CONNECTION_STATUS, NO_LABEL, NUMBER,                      \
	  "WebSocket connections: opened (a complete 101 was seen), closed (ended after a Close frame), "            \
	  "error (ended without one).")                                                                              \
	F(WS_CONNECTIONS_JOINED, "ws_connections_joined_total", COUNTER, NO_LABEL, NO_LABEL, NUMBER,                 \
	  "WebSocket connections that were open before tapstat and were recognised from their frames.")              \
	F(WS_HANDSHAKE_DURATION, "ws_handshake_duration_seconds", HISTOGRAM, NO_LABEL, NO_LABEL, DURATION,           \
	  "Opening handshake: server, first byte of the request read to last byte of the 101 written; client, "      \
	  "request handed to the kernel to last byte of the 101 read.")                                              \
	F(WS_CONNECTION_DURATION, "ws_connection_duration_seconds", HISTOGRAM, NO_LABEL, NO_LABEL, LIFETIME,         \
	  "Time from the 101 to the end of the connection. Joined connections give no sample.")                      \
	F(WS_MESSAGES_RECEIVED, "ws_messages_received_total", COUNTER, MESSAGE_TYPE, NO_LABEL, NUMBER,               \
	  "WebSocket messages whose last payload byte the service read; control frames are messages of their type.") \
	F(WS_MESSAGES_SENT, "ws_messages_sent_total", COUNTER, MESSAGE_TYPE, NO_LABEL, NUMBER,                       \
	  "WebSocket messages whose last payload byte the kernel accepted from the service; control frames are "     \
	  "messages of their type.")                                                                                 \
	F(WS_FRAMES_RECEIVED, "ws_frames_received_total", COUNTER, OPCODE, NO_LABEL, NUMBER,                         \
	  "WebSocket frames read by the service to their last payload byte.")                                        \
	F(WS_FRAMES_SENT, "ws_frames_sent_total", COUNTER, OPCODE, NO_LABEL, NUMBER,                                 \
	  "WebSocket frames written by the service to their last payload byte.")                                     \
	F(WS_ERRORS, "ws_errors_total", COUNTER, WS_ERROR, NO_LABEL, NUMBER,                                         \
	  "timeout and connection_lost: abnormal ends; decode: protocol violations, once per connection and "        \
	  "direction; send_failed: connections with a failed send.")                                                 \
	F(WS_CLOSES, "ws_closes_total", COUNTER, DIRECTION, CLOSE_CODE, NUMBER,                                      \
	  "Close frames by direction and status code (RFC 6455 section 7.4).")                                       \
	F(WS_RECONNECTIONS, "ws_reconnections_total", COUNTER, RECONNECT_REASON, NO_LABEL, NUMBER,                   \
	  "Connections opened within 60 s of an abnormal end with the same peer, by the reason of that end.")        \
	F(WS_MESSAGE_LATENCY, "ws_message_latency_seconds", HISTOGRAM, LATENCY_TYPE, NO_LABEL, DURATION,             \
	  "text, binary: server, last unanswered message in to next message out on the connection; client, message " \
	  "out to next message in. ping: ping sent to its pong.")                                                    \
	F(MESSAGE_SIZE, "message_size_bytes", HISTOGRAM, DIRECTION, NO_LABEL, SIZE,                                  \
	  "Payload of text and binary messages as on the wire, without frame headers.")                              \
	F(WS_CONNECTION_MESSAGES_PER_MINUTE, "ws_connection_messages_per_minute", HISTOGRAM, DIRECTION, NO_LABEL,    \
	  PER_MINUTE,                                                                                                \
	  "Data messages of one connection in one minute of its life, one sample for each minute with any.")         \
	F(HTTP_REQUEST_SIZE, "http_request_size_bytes", HISTOGRAM, NO_LABEL, NO_LABEL, SIZE,                         \
	  "Bodies of HTTP requests as on the wire, without heads and chunk headers; 0 where there is none.")         \
	F(HTTP_RESPONSE_SIZE, "http_response_size_bytes", HISTOGRAM, NO_LABEL, NO_LABEL, SIZE,                       \
	  "Bodies of HTTP responses as on the wire, without heads and chunk headers; 0 where there is none.")        \
	F(STORAGE_BYTES, "storage_bytes_total", COUNTER, BACKEND, DIRECTION, NUMBER,                                 \
	  "Bytes on connections to a backend, read from (received) and written to (sent) files, or keys and values "   \
	  "that pass a storage library.")

/*
 * How AF_UNIX connections stand, by series: they have no close event, so that the number ended in a state is this
 * gauge less the connections found alive in it (struct scan_series in abi.h). Cells without a family.
 */
#define LABEL_SET_UNIX_STATE(V)                 \
	V(UNIX_STATE, OPEN, "open")             \
	V(UNIX_STATE, UNANSWERED, "unanswered") \
	V(UNIX_STATE, CLOSING, "closing")
enum label_unix_state { LABEL_SET_UNIX_STATE(TAPSTAT_LABEL_VALUE) UNIX_STATE_COUNT };

/* clang-format on */

enum series_cell {
#define TAPSTAT_CELLS(id, name, type, dim1, dim2, shape, help) \
	CELL_##id, CELL_##id##_LAST = CELL_##id + dim1##_COUNT * dim2##_COUNT * SHAPE_##shape##_CELLS - 1,
	TAPSTAT_SERIES_FAMILIES(TAPSTAT_CELLS)
#undef TAPSTAT_CELLS
		CELL_UNIX_STATE,
	CELL_UNIX_STATE_LAST = CELL_UNIX_STATE + UNIX_STATE_COUNT - 1,
	CELL_UNIX_UNSAMPLED, /* likewise: connections that owe a sample of their duration */
	CELL_UNIX_OPENED_US, /* ... and the sum of their begins, microseconds, monotonic */
	CELL_CACHE_HITS,     /* Redis: redis_cache_hits_total, redis_cache_misses_total of a service in both roles */
	CELL_CACHE_MISSES,
	SERIES_CELL_COUNT
};

/*
 * Cells of a *row*: one operation or endpoint of a series. Statuses that have no cell are in `count_by_code`
 * (maps.h).
 */
#define LABEL_SET_OPERATION_STATUS(V)           \
	V(OPERATION_STATUS, SUCCESS, "success") \
	V(OPERATION_STATUS, FAILED, "failed")
enum label_operation_status { LABEL_SET_OPERATION_STATUS(TAPSTAT_LABEL_VALUE) OPERATION_STATUS_COUNT };

/* clang-format off */
#define HTTP_STATUS_CELLS(C) \
	C(200) C(201) C(202) C(204) C(206) C(301) C(302) C(304) C(400) C(401) C(404) C(500) C(503)
/* clang-format on */

enum http_status_number {
#define TAPSTAT_HTTP_STATUS(code) HTTP_STATUS_NUMBER_##code,
	HTTP_STATUS_CELLS(TAPSTAT_HTTP_STATUS) HTTP_STATUS_NUMBERS
#undef TAPSTAT_HTTP_STATUS
};

enum row_cell {
	ROW_STATUS, /* enum label_operation_status, or enum http_status_number */
	ROW_UNANSWERED = ROW_STATUS + HTTP_STATUS_NUMBERS, /* requests whose connection ended before the answer */
	ROW_DURATION,                                      /* a histogram */
	ROW_CELL_COUNT = ROW_DURATION + SHAPE_DURATION_CELLS
};

/* clang-format off */

/* Methods of RFC 9110 section 9 and RFC 5789; label `method`. */
#define LABEL_SET_METHOD(V)         \
	V(METHOD, OTHER, "other")   \
	V(METHOD, GET, "GET")       \
	V(METHOD, HEAD, "HEAD")     \
	V(METHOD, POST, "POST")     \
	V(METHOD, PUT, "PUT")       \
	V(METHOD, DELETE, "DELETE") \
	V(METHOD, CONNECT, "CONNECT") \
	V(METHOD, OPTIONS, "OPTIONS") \
	V(METHOD, TRACE, "TRACE")   \
	V(METHOD, PATCH, "PATCH")
enum label_method { LABEL_SET_METHOD(TAPSTAT_LABEL_VALUE) METHOD_COUNT };

/* ---- Families of rows ------------------------------------------------------------------------------------ */

#define TAPSTAT_ROW_FAMILIES(F)                                                                                   \
	F(HTTP_REQUESTS, "http_requests_total", COUNTER, "service,role,method,endpoint,status",                   \
	  "HTTP/1 requests by the status of the final response; none: the connection ended without one.")         \
	F(HTTP_REQUEST_DURATION, "http_request_duration_seconds", HISTOGRAM, "service,role,method,endpoint",      \
	  "Server: first byte of the request read to last byte of the response written; client: request handed "  \
	  "to the kernel to last byte of the response read.")                                                     \
	F(STORAGE_OPERATIONS, "storage_operations_total", COUNTER, "service,role,backend,operation,status",       \
	  "Calls to a storage backend, by the protocol's or statement's command or verb, or what the library's "  \
	  "function does; failed: answered by an error, or not at all.")                                          \
	F(STORAGE_OPERATION_DURATION, "storage_operation_duration_seconds", HISTOGRAM,                            \
	  "service,role,backend,operation",                                                                       \
	  "Server: first byte of the request read to last byte of the answer written; client: request handed to " \
	  "the kernel to last byte of the answer read. Files, storage libraries: the length of the call; "        \
	  "SQLite: from a statement's first step to its end.")

/* ---- Families that user space computes at a scrape; labels beside the values, comma-separated -------------- */

/* Of a series (service, role): */
#define TAPSTAT_DERIVED_FAMILIES(F)                                                                           \
	F(WS_ACTIVE_CONNECTIONS, "ws_active_connections", GAUGE, "service,role",                              \
	  "Open WebSocket connections: opened + joined - closed - error.")                                    \
	F(WS_HANDSHAKES_REFUSED, "ws_handshakes_refused_total", COUNTER, "service,role,code",                 \
	  "Upgrade requests without a 101, by the HTTP status of the answer; none: ended without an answer.") \
	F(WS_PINGS_OUTSTANDING, "ws_pings_outstanding", GAUGE, "service,role",                                \
	  "Pings sent by the service whose pong has not come, on connections that are open.")                 \
	F(WS_IDLE_CONNECTIONS, "ws_idle_connections", GAUGE, "service,role",                                  \
	  "Open WebSocket connections without a data message for 5 minutes.")                                 \
	F(WS_ACTIVE_PEERS, "ws_active_peers", GAUGE, "service,role",                                          \
	  "Distinct peer addresses with an open WebSocket connection.")                                       \
	F(HTTP_REQUESTS_IN_FLIGHT, "http_requests_in_flight", GAUGE, "service,role",                          \
	  "HTTP requests without their final response, on connections that are open.")                        \
	F(DB_CONNECTIONS_ACTIVE, "db_connections_active", GAUGE, "service,backend",                           \
	  "Client connections to a backend with a request outstanding or in a transaction.")                  \
	F(DB_CONNECTIONS_IDLE, "db_connections_idle", GAUGE, "service,backend",                               \
	  "Client connections to a backend with neither.")                                                    \
	F(REDIS_CACHE_HITS, "redis_cache_hits_total", COUNTER, "service",                                     \
	  "Values found, by the answers to GET, MGET (each), HGET, HMGET (each), GETEX, GETDEL.")             \
	F(REDIS_CACHE_MISSES, "redis_cache_misses_total", COUNTER, "service",                                 \
	  "Values not found, by the same answers.")                                                           \
	F(MESSAGE_QUEUE_DEPTH, "message_queue_depth", GAUGE, "service,queue_type",                            \
	  "Length of the lists and streams that the configuration calls this queue, as the last answer to "   \
	  "LPUSH, RPUSH, LPUSHX, RPUSHX, LLEN or XLEN told it; of several keys the sum.")

/* Of a service, all its roles and processes together: label `service` and the dimension of the row. Their cells are
 * user space's (user/services.h). */
#define TAPSTAT_SERVICE_FAMILIES(F)                                                                                  \
	F(MESSAGES_RECEIVED, "messages_received_total", COUNTER, OPERATION_STATUS, NUMBER,                           \
	  "Data messages read by the service: text and binary WebSocket messages; failed: protocol violations, once " \
	  "per connection and direction.")                                                                           \
	F(MESSAGES_SENT, "messages_sent_total", COUNTER, OPERATION_STATUS, NUMBER,                                   \
	  "Data messages that the kernel accepted from the service: text and binary WebSocket messages; failed: "    \
	  "connections with a failed send.")                                                                         \
	F(MESSAGE_PROCESSING_DURATION, "message_processing_duration_seconds", HISTOGRAM, NO_LABEL, DURATION,         \
	  "Server: last unanswered data message in to next data message out on the connection.")                     \
	F(AGENT_PEERS_CONNECTED, "agent_peers_connected", GAUGE, NO_LABEL, NUMBER,                                   \
	  "Established TCP connections of the service's processes.")                               \
	F(SERVICE_CPU_USAGE, "process_cpu_usage", GAUGE, NO_LABEL, NUMBER,                                           \
	  "CPU cores in use by the service's processes since the last scrape that was a second or more ago; "        \
	  "1 = one core.")                                                                                           \
	F(SERVICE_MEMORY, "process_memory_bytes", GAUGE, NO_LABEL, NUMBER,                                           \
	  "Resident memory of the service's processes; what they share counts in each.")

/* Of tapstat itself: */
#define TAPSTAT_SELF_FAMILIES(F)                                                                                     \
	F(BUILD_INFO, "tapstat_build_info", GAUGE, "version,commit,libbpf", "Always 1; the labels say what runs.")   \
	F(HOOK_ATTACHED, "tapstat_hook_attached", GAUGE, "hook", "1 if the hook is attached, 0 if it is missing.")   \
	F(HOOK_RUNS, "tapstat_hook_runs_total", COUNTER, "hook",                                                     \
	  "Runs of the hook's programs, where the kernel keeps them (kernel.bpf_stats_enabled=1).")                  \
	F(HOOK_SECONDS, "tapstat_hook_seconds_total", COUNTER, "hook",                                               \
	  "Time in the hook's programs, where the kernel keeps it (kernel.bpf_stats_enabled=1).")                    \
	F(CONNECTIONS, "tapstat_connections", GAUGE, "protocol", "Sockets followed now, by recognised protocol.")    \
	F(CONNECTIONS_JOINED, "tapstat_connections_joined_total", COUNTER, "protocol",                               \
	  "Connections that were open before tapstat and were recognised later.")                                    \
	F(UNPARSED_BYTES, "tapstat_unparsed_bytes_total", COUNTER, "reason",                                         \
	  "Bytes on followed connections that could not be parsed.")                                                 \
	F(DROPPED, "tapstat_dropped_total", COUNTER, "reason", "What was left out because a limit was reached.")     \
	F(SERIES, "tapstat_series", GAUGE, "family", "Label combinations held, by family.")                          \
	F(SERIES_FOLDED, "tapstat_series_folded_total", COUNTER, "family",                                           \
	  "Observations folded into `other` because a limit on label combinations was reached.")                     \
	F(MAP_ENTRIES, "tapstat_map_entries", GAUGE, "map", "Entries in use of a kernel map.")                       \
	F(MAP_MAX_ENTRIES, "tapstat_map_max_entries", GAUGE, "map", "Entries that a kernel map can hold.")           \
	F(MEMORY_CEILING, "tapstat_memory_ceiling_bytes", GAUGE, "",                                                 \
	  "The most memory that tapstat's kernel maps can take, connection state included.")                         \
	F(TLS_CONNECTIONS, "tapstat_tls_connections_total", COUNTER, "library,visible",                              \
	  "Connections that speak TLS; visible: whether tapstat sees their plaintext.")                              \
	F(PROBED_FILES, "tapstat_probed_files", GAUGE, "", "Programs and libraries with probes on their functions.") \
	F(PROBE_FAILURES, "tapstat_probe_failures_total", COUNTER, "",                                               \
	  "Programs and libraries whose functions could not be probed, each time that it was tried.")                \
	F(PROBE_FILES, "tapstat_probe_files", GAUGE, "probe",                                                        \
	  "Programs and libraries in which a configured function probe is attached; 0: it waits for a process.")     \
	F(PROBE_UNMATCHED, "tapstat_probe_unmatched_total", COUNTER, "probe,side",                                   \
	  "Calls of probed functions without a duration: entry, whose return was not seen (longjmp, exec, the end "  \
	  "of the thread, deep recursion); return, whose entry was not.")                                            \
	F(SCRAPE_DURATION, "tapstat_scrape_duration_seconds", GAUGE, "", "Time that collecting this scrape took.")   \
	F(PROCESS_CPU, "process_cpu_seconds_total", COUNTER, "", "User and system CPU time of tapstat itself.")      \
	F(PROCESS_OPEN_FDS, "process_open_fds", GAUGE, "", "Open file descriptors of tapstat itself.")               \
	F(PROCESS_MAX_FDS, "process_max_fds", GAUGE, "", "Limit on open file descriptors of tapstat itself.")        \
	F(PROCESS_VIRTUAL_MEMORY, "process_virtual_memory_bytes", GAUGE, "", "Virtual memory of tapstat itself.")    \
	F(PROCESS_RESIDENT_MEMORY, "process_resident_memory_bytes", GAUGE, "", "Resident memory of tapstat itself.") \
	F(PROCESS_START_TIME, "process_start_time_seconds", GAUGE, "", "Start of tapstat, seconds since the epoch.")

/* ---- Closed sets of tapstat's own labels ------------------------------------------------------------------ */

/* tapstat_unparsed_bytes_total{reason} */
#define LABEL_SET_UNPARSED(V)                                                                             \
	V(UNPARSED, OUT_OF_STEP, "out_of_step")     /* waiting for a run of headers that chain */         \
	V(UNPARSED, DECODE, "decode")               /* after a protocol violation */                      \
	V(UNPARSED, GAP, "gap")                     /* the sequence numbers moved without an event */     \
	V(UNPARSED, SPLICE, "splice")               /* sendfile, splice: not in user memory */            \
	V(UNPARSED, IO_URING, "io_uring")           /* the syscall's registers do not describe the I/O */ \
	V(UNPARSED, COMPAT, "compat_syscall")       /* 32-bit caller */                                   \
	V(UNPARSED, DISCARDED, "discarded")         /* MSG_TRUNC: never copied to user memory */          \
	V(UNPARSED, MPTCP, "mptcp")                 /* Multipath TCP */                                   \
	V(UNPARSED, HTTP2, "http2")                 /* HTTP/2, WebSocket over it included */              \
	V(UNPARSED, FAULT, "fault")                 /* user memory could not be read */                   \
	V(UNPARSED, BUSY_WINDOW, "busy_window")     /* the CPU's window was in use by another task */     \
	V(UNPARSED, BUSY_STREAM, "busy_stream")     /* another thread held the direction for too long */  \
	V(UNPARSED, CAPPED, "capped")               /* more steps in one call than a program may take */  \
	V(UNPARSED, HIDDEN, "hidden")               /* compressed, encrypted or replication, in a storage protocol */ \
	V(UNPARSED, UNSUPPORTED_SYSCALL, "syscall") /* a syscall whose buffers tapstat does not know */
enum label_unparsed { LABEL_SET_UNPARSED(TAPSTAT_LABEL_VALUE) UNPARSED_COUNT };

/* tapstat_dropped_total{reason}; `recursion` and `kretprobe` are the kernel's own counts, not among the cells. */
#define LABEL_SET_DROPPED(V)                                                                                   \
	V(DROPPED, MAX_CONNECTIONS, "max_connections")     /* sockets not followed */                          \
	V(DROPPED, NO_MEMORY, "no_memory")                 /* the kernel had no memory for a socket's state */ \
	V(DROPPED, MAX_PEERS, "max_peers")                 /* peers missing from ws_active_peers */            \
	V(DROPPED, MAX_REFUSED_CODES, "max_refused_codes") /* refusals whose status is missing */              \
	V(DROPPED, MAX_ABNORMAL_ENDS, "max_abnormal_ends") /* ends that no reconnection can match */           \
	V(DROPPED, UNTIMED, "untimed")                     /* requests without a duration: of an unsure join */ \
	V(DROPPED, MAX_ROWS, "max_rows")                   /* operations counted under service="other" */      \
	V(DROPPED, MAX_CODES, "max_codes")                 /* HTTP requests whose uncommon status is missing */   \
	V(DROPPED, MAX_QUEUE_KEYS, "max_queue_keys")       /* keys missing from message_queue_depth */           \
	V(DROPPED, MAX_TLS_OBJECTS, "max_tls_objects")     /* TLS connections, or calls on them, not followed */   \
	V(DROPPED, UNMATCHED, "unmatched")                 /* requests whose answer was lost with a gap */ \
	V(DROPPED, MAX_FUNCTION_ROWS, "max_function_rows") /* calls counted under service="other" */             \
	V(DROPPED, UNIDENTIFIED, "unidentified")           /* calls of a process that could not be looked at */
enum label_dropped { LABEL_SET_DROPPED(TAPSTAT_LABEL_VALUE) DROPPED_COUNT };

/* tapstat_probe_unmatched_total{side} */
#define LABEL_SET_PROBE_SIDE(V)          \
	V(PROBE_SIDE, ENTRY, "entry")    \
	V(PROBE_SIDE, RETURN, "return")
enum label_probe_side { LABEL_SET_PROBE_SIDE(TAPSTAT_LABEL_VALUE) PROBE_SIDE_COUNT };

/* {protocol}: how far classification came, in the order of enum protocol (bpf/classify.h). */
#define LABEL_SET_PROTOCOL(V)               \
	V(PROTOCOL, UNDECIDED, "undecided") \
	V(PROTOCOL, OTHER, "other")         \
	V(PROTOCOL, TLS, "tls")             \
	V(PROTOCOL, HTTP, "http")           \
	V(PROTOCOL, HTTP2, "http2")         \
	V(PROTOCOL, WEBSOCKET, "websocket") \
	V(PROTOCOL, REDIS, "redis")         \
	V(PROTOCOL, POSTGRESQL, "postgresql") \
	V(PROTOCOL, MYSQL, "mysql")         \
	V(PROTOCOL, MONGODB, "mongodb")     \
	V(PROTOCOL, MEMCACHED, "memcached")
enum label_protocol { LABEL_SET_PROTOCOL(TAPSTAT_LABEL_VALUE) PROTOCOL_COUNT };
_Static_assert((int)PROTOCOL_MEMCACHED - PROTOCOL_REDIS == (int)BACKEND_MEMCACHED, "backends stand in the same order");

/* tapstat_tls_connections_total{library,visible} */
#define LABEL_SET_LIBRARY(V)               \
	V(LIBRARY, UNKNOWN, "unknown")     \
	V(LIBRARY, OPENSSL, "openssl")     \
	V(LIBRARY, BORINGSSL, "boringssl") \
	V(LIBRARY, GNUTLS, "gnutls")       \
	V(LIBRARY, GO, "go")               \
	V(LIBRARY, RUSTLS, "rustls")       \
	V(LIBRARY, NSS, "nss")             \
	V(LIBRARY, JAVA, "java")           \
	V(LIBRARY, MBEDTLS, "mbedtls")     \
	V(LIBRARY, WOLFSSL, "wolfssl")
enum label_library { LABEL_SET_LIBRARY(TAPSTAT_LABEL_VALUE) LIBRARY_COUNT };

#define LABEL_SET_VISIBLE(V)      \
	V(VISIBLE, NO, "no")      \
	V(VISIBLE, YES, "yes")
enum label_visible { LABEL_SET_VISIBLE(TAPSTAT_LABEL_VALUE) VISIBLE_COUNT };

/* clang-format on */

/* Cells of a service, laid out like those of a series. */
enum service_cell {
#define TAPSTAT_CELLS(id, name, type, dim, shape, help) \
	SERVICE_CELL_##id, SERVICE_CELL_##id##_LAST = SERVICE_CELL_##id + dim##_COUNT * SHAPE_##shape##_CELLS - 1,
	TAPSTAT_SERVICE_FAMILIES(TAPSTAT_CELLS)
#undef TAPSTAT_CELLS
		SERVICE_CELL_COUNT
};

/* Cells of tapstat's own counters, one set per CPU. */
enum self_cell {
	SELF_UNPARSED,
	SELF_DROPPED = SELF_UNPARSED + UNPARSED_COUNT,
	SELF_JOINED = SELF_DROPPED + DROPPED_COUNT,
	SELF_TLS = SELF_JOINED + PROTOCOL_COUNT, /* enum label_library × enum label_visible */
	SELF_FOLDED_CONNECTIONS =
		SELF_TLS + LIBRARY_COUNT * VISIBLE_COUNT, /* connections counted under service="other" */
	SELF_FOLDED_HTTP,                                 /* requests counted under endpoint="other" */
	SELF_FOLDED_STORAGE, /* operations counted under operation="other" for want of a row */
	SELF_CELL_COUNT
};

#endif
