/* The kinds of value that the table in config_table.c is made of: a parser and a printer for each.
 * Pure; settings/config*.c only. */
#pragma once

#include <stdio.h>

/* Reads @s, which is not empty, into the field at @dst. NULL, or a static text that says what is
 * wrong with it ("not a port ..."); then *dst is as before. */
typedef const char *config_parse_fn(const char *s, void *dst);
/* Writes the field at @src as its parser reads it. */
typedef void config_print_fn(const void *src, FILE *out);

config_parse_fn config_parse_text; /* const char *, borrows @s */
config_print_fn config_print_text;
config_parse_fn config_parse_sidecar;  /* struct config_sidecar, borrows @s: NAME=COMMAND */
config_print_fn config_print_sidecars; /* struct config_sidecars, in one line */
config_parse_fn config_parse_path;     /* const char *, borrows @s: the target of an HTTP request */
config_parse_fn config_parse_termination_log; /* const char *, borrows @s: auto, off or /path */
config_parse_fn config_parse_admin_socket;    /* const char *, borrows @s: auto, off or /path */
config_parse_fn config_parse_secret;          /* const char *, borrows @s */
config_print_fn config_print_secret;          /* that there is one */
config_parse_fn config_parse_hosts;           /* const char *, borrows @s: NAME,*.NAME */
config_parse_fn config_parse_token;   /* const char *, borrows @s: a name as HTTP has them */
config_parse_fn config_parse_workers; /* struct config_workers */
config_print_fn config_print_workers;
config_parse_fn config_parse_port; /* uint16_t; 0, the absent one, prints as nothing */
config_print_fn config_print_port;
config_parse_fn config_parse_address; /* struct config_address */
config_print_fn config_print_address;
config_parse_fn config_parse_addresses; /* struct config_addresses */
config_print_fn config_print_addresses;
config_parse_fn config_parse_serialization; /* enum config_serialization */
config_print_fn config_print_serialization;
config_parse_fn config_parse_sandbox; /* enum config_sandbox */
config_print_fn config_print_sandbox;
config_parse_fn config_parse_restart; /* enum config_restart */
config_print_fn config_print_restart;
config_parse_fn config_parse_dispatch; /* enum config_dispatch */
config_print_fn config_print_dispatch;
config_parse_fn config_parse_upstream; /* enum config_upstream */
config_print_fn config_print_upstream;
config_parse_fn config_parse_app_metrics; /* enum config_app_metrics */
config_print_fn config_print_app_metrics;
config_parse_fn config_parse_balance; /* enum config_balance */
config_print_fn config_print_balance;
config_parse_fn config_parse_sticky; /* struct config_sticky, borrows @s */
config_print_fn config_print_sticky;
config_parse_fn config_parse_cookie; /* struct config_cookie: Path=/; SameSite=None */
config_print_fn config_print_cookie;
config_parse_fn config_parse_networks; /* struct cidr_list: 10.0.0.0/8,::1,unix */
config_print_fn config_print_networks;
config_parse_fn config_parse_field_name;  /* const char *, borrows @s */
config_parse_fn config_parse_traceparent; /* enum config_traceparent */
config_print_fn config_print_traceparent;
config_parse_fn config_parse_access_format; /* int, in the order of the words */
config_print_fn config_print_access_format;
config_parse_fn config_parse_level; /* int, enum log_level */
config_print_fn config_print_level;
config_parse_fn config_parse_log_format; /* int, enum log_format */
config_print_fn config_print_log_format;
config_parse_fn config_parse_log_date;    /* text */
config_parse_fn config_parse_worker_logs; /* enum config_worker_logs */
config_print_fn config_print_worker_logs;
config_parse_fn config_parse_switch; /* bool: on, yes, true, 1 or off, no, false, 0 */
config_print_fn config_print_switch;
config_parse_fn config_parse_seconds; /* uint32_t milliseconds, written as seconds with decimals */
config_parse_fn config_parse_factor;  /* uint32_t, in thousandths */
config_print_fn config_print_factor;
config_parse_fn config_parse_milliseconds; /* the same field, for aliases in milliseconds */
config_print_fn config_print_seconds;
config_parse_fn config_parse_count; /* uint32_t, 1 to 2^24 */
config_print_fn config_print_count;
config_parse_fn config_parse_routers; /* uint32_t, 1 to 16, or auto (0) */
config_print_fn config_print_routers;
config_parse_fn config_parse_limit; /* uint32_t, 0 (none) to 2^24; printed as a count */
config_parse_fn config_parse_ratio; /* uint32_t, millionths */
config_print_fn config_print_ratio;
config_parse_fn config_parse_percent; /* uint32_t, 0 to 100; printed as a count */
config_parse_fn config_parse_heap;    /* uint32_t megabytes, HEAP_OFF or HEAP_AUTO */
config_print_fn config_print_heap;
config_parse_fn config_parse_bytes; /* uint64_t, 0 (none) or with K, M, G, T (1024s) */
config_print_fn config_print_bytes;
config_parse_fn config_parse_bytes_or_auto; /* uint64_t, 1M or more, or auto (0) */
config_print_fn config_print_bytes_or_auto;
config_parse_fn config_parse_mode; /* uint32_t: permissions of a file, octal; 0 prints as nothing */
config_print_fn config_print_mode;
config_parse_fn config_parse_codes;       /* struct config_codes: 0,78,143 */
config_parse_fn config_parse_start_limit; /* struct config_start_limit: 8/60, off */
config_print_fn config_print_start_limit;
config_print_fn config_print_codes;
config_parse_fn config_parse_cron; /* struct config_cron */
config_print_fn config_print_cron;
config_parse_fn config_parse_signal; /* int: TERM, SIGTERM or 15; none is 0 */
config_print_fn config_print_signal;
config_parse_fn config_parse_signal_map; /* struct config_signal_map: HUP=TERM,USR1=none */
config_print_fn config_print_signal_map;
config_parse_fn config_parse_stop_group; /* enum config_stop_group */
config_print_fn config_print_stop_group;
config_parse_fn config_parse_stop_order; /* enum config_stop_order */
config_print_fn config_print_stop_order;
config_parse_fn config_parse_rlimits; /* struct config_rlimits: nofile=1024:65536,core=0 */
config_print_fn config_print_rlimits;
/* int, or CONFIG_AS_SIOINIT */
config_parse_fn config_parse_umask; /* octal, or inherit */
config_print_fn config_print_umask;
config_parse_fn config_parse_nice; /* -20 to 19, or inherit */
config_print_fn config_print_nice;
config_parse_fn config_parse_oom_score_adj; /* -1000 to 1000, or auto */
config_print_fn config_print_oom_score_adj;

/* The words that @parse takes, NULL-terminated, when words are all it takes; else NULL. */
const char *const *config_words(config_parse_fn *parse);
