#include "base/log_storm.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"

#include "base/ban.h"

enum { STORMS_MAX = 32, FIRST_MS = 1000, QUIET_MS = 5000 };

static struct storm {
	int64_t began_ms, lasts_ms, last_ms;
	uint32_t hash; /* of the message without its numbers; 0: free */
	enum log_level level;
	enum log_id id;
	unsigned written, left_out;
	char example[160];
} storms[STORMS_MAX];

static unsigned n_owing; /* storms with a count */

/* FNV-1a; what is between two numbers counts, and that there is one. */
static uint32_t hash_of(const char *message)
{
	static const char digits[] = "0123456789";
	uint32_t hash = 2166136261u;

	while (*message) {
		size_t n = strspn(message, digits);
		unsigned char c = n ? '#' : (unsigned char)*message;

		hash = (hash ^ c) * 16777619u;
		message += n ? n : 1;
	}
	return hash ? hash : 1;
}

static unsigned most(enum log_level level)
{
	return level <= LOG_LEVEL_WARN ? LOG_SAME_MAX : LOG_SAME_INFO_MAX;
}

static int64_t due_ms(const struct storm *s)
{
	int64_t due = s->began_ms + s->lasts_ms, quiet = s->last_ms + QUIET_MS;

	return due < quiet ? due : quiet;
}

static void tell(const struct storm *s, int64_t now, log_storm_write *write)
{
	char message[sizeof(s->example) + 60];

	(void)snprintf(message, sizeof(message), "log: %u more in %u s like: %s", s->left_out,
		       (unsigned)((now - s->began_ms + 999) / 1000), s->example);
	write(s->level, s->id, message);
}

/* It goes on, in silence from now on, until it has been quiet for a while. */
static void settle(struct storm *s, int64_t now, log_storm_write *write)
{
	bool goes_on = s->left_out && now - s->last_ms < QUIET_MS;

	if (s->left_out) {
		tell(s, now, write);
		n_owing--;
	}
	if (!goes_on) {
		*s = (struct storm){ 0 };
		return;
	}
	s->left_out = 0;
	s->began_ms = now;
	if (s->lasts_ms < STORM_LONGEST_MS)
		s->lasts_ms *= 2;
}

void log_storm_settle(bool all, log_storm_write *write)
{
	int64_t now = clock_ms();

	for (size_t i = 0; i < ARRAY_LEN(storms); i++)
		if (storms[i].hash && (all || now >= due_ms(&storms[i])))
			settle(&storms[i], now, write);
}

int64_t log_storm_due_ms(void)
{
	int64_t now = n_owing ? clock_ms() : 0, least = -1;

	for (size_t i = 0; n_owing && i < ARRAY_LEN(storms); i++) {
		const struct storm *s = &storms[i];
		int64_t left = due_ms(s) > now ? due_ms(s) - now : 0;

		if (s->hash && s->left_out && (least < 0 || left < least))
			least = left;
	}
	return least;
}

/* The entry for these messages. Where there is none, one without a count gives way, the oldest
 * first. NULL: all count. */
static struct storm *storm_for(uint32_t hash)
{
	struct storm *oldest = NULL;
	int64_t now = clock_ms();

	for (size_t i = 0; i < ARRAY_LEN(storms); i++) {
		struct storm *s = &storms[i];

		if (s->hash == hash)
			return s;
		if (!s->left_out && (!oldest || s->began_ms < oldest->began_ms))
			oldest = s;
	}
	if (oldest)
		*oldest = (struct storm){
			.hash = hash, .began_ms = now, .last_ms = now, .lasts_ms = FIRST_MS
		};
	return oldest;
}

bool log_storm_takes(enum log_level level, enum log_id id, const char *message)
{
	struct storm *s = storm_for(hash_of(message));

	if (!s || s->written < most(level)) {
		if (s)
			s->written++;
		return false;
	}
	s->level = level;
	s->id = id;
	s->last_ms = clock_ms();
	n_owing += s->left_out++ == 0;
	(void)snprintf(s->example, sizeof(s->example), "%.*s", (int)sizeof(s->example) - 1,
		       message);
	return true;
}
