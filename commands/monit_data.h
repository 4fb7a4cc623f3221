/* What `sioinit monit` shows: one answer of `status --json`, and what changed since the one before.
 * Whatever an answer lacks is zero or empty. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum {
	MONIT_TEXT = 160,
	MONIT_NAME = 40,
	MONIT_CONDITIONS = 16,
	MONIT_DEATHS = 16,
	MONIT_SIDECARS = 16,
	MONIT_STEPS = 60,
};

struct monit_worker {
	unsigned slot;
	unsigned long long pid;
	char state[MONIT_NAME];
	double uptime_s, lag_s, rss_b, cpu_s, sessions, sockets, requests, starts, limit_b;
	double cpu_percent, request_rate; /* since the answer before */
};

struct monit_sidecar {
	char name[MONIT_NAME], state[MONIT_NAME];
	unsigned long long pid;
	double uptime_s, rss_b, cpu_s, starts, cpu_percent;
};

struct monit_condition {
	char severity[MONIT_NAME], text[MONIT_TEXT];
	double since_s; /* 0: not known */
};

struct monit_death {
	double ago_s;
	unsigned slot;
	unsigned long long pid;
	char text[MONIT_TEXT];
};

enum monit_rate {
	MONIT_REQUESTS,
	MONIT_BROADCASTS,
	MONIT_CONNECTS,
	MONIT_ERRORS,
	MONIT_N_RATES,
};

/* Rates, per second, oldest first. */
struct monit_series {
	double values[MONIT_STEPS];
	unsigned n;
};

struct monit_data {
	char version[MONIT_NAME], host[MONIT_TEXT], phase[MONIT_NAME];
	double uptime_s, step_s, workers_wanted, workers_ready, clients, sessions;
	double memory_used_b, memory_limit_b, near_misses;
	char reload_state[MONIT_NAME], drain_stage[MONIT_NAME];
	double reload_slot, reload_done, reload_of, drain_since_s; /* slot -1: none */
	double totals[MONIT_N_RATES], rates[MONIT_N_RATES];
	struct monit_series history[MONIT_N_RATES];
	struct monit_condition conditions[MONIT_CONDITIONS];
	unsigned n_conditions;
	struct monit_worker *workers; /* owned */
	size_t n_workers;
	struct monit_sidecar sidecars[MONIT_SIDECARS];
	unsigned n_sidecars;
	struct monit_death deaths[MONIT_DEATHS];
	unsigned n_deaths;
	int64_t at_ms; /* when it was read; 0: never */
};

/* Replaces *d, which is all zero at first, by the answer @json of @now_ms. Texts that are too long
 * are cut. 0, -EBADMSG (no such answer) or -ENOMEM; then *d is as it was. */
int monit_data_read(struct monit_data *d, struct str json, int64_t now_ms);

void monit_data_free(struct monit_data *d);
