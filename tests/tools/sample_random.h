/* A sequence that a seed fixes (splitmix64), and words from it. */
#ifndef OFFKIT_TESTS_SAMPLE_RANDOM_H
#define OFFKIT_TESTS_SAMPLE_RANDOM_H

#include <stdint.h>
#include <stdio.h>

struct random {
	uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += 0x9E3779B97F4A7C15U;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
	z = (z ^ z >> 27) * 0x94D049BB133111EBU;
	return z ^ z >> 31;
}

static inline unsigned random_below(struct random *random, unsigned limit)
{
	return (unsigned)(random_next(random) % limit);
}

static inline bool random_one_in(struct random *random, unsigned count)
{
	return random_below(random, count) == 0;
}

#define PICK(random, list) ((list)[random_below((random), sizeof(list) / sizeof((list)[0]))])

static const char *const sample_packages[] = {"libquick", "jsonic", "webframe", "tinytls", "parcel",
	"imagick-lite", "yamlet", "httpd-core", "ldapish", "queueworks", "übersetzer", "データ庫",
	"façade", "kernel-rt", "openmesh", "sqlshim", "archivekit", "pdf-render", "cryptobox",
	"logstream"};

static const char *const sample_words[] = {"overflow", "when", "parsing", "a", "crafted", "header",
	"allows", "remote", "attackers", "to", "read", "memory", "out", "of", "bounds", "in", "the",
	"decoder", "before", "version", "the", "check", "is", "missing", "an", "unauthenticated",
	"user", "may", "cause", "denial", "service", "Schwachstelle", "ermöglicht", "naïve",
	"脆弱性", "über", "“quoted”"};

static inline void random_sentence(struct random *random, unsigned words, struct str *out)
{
	for (unsigned i = 0; i < words; i++)
		str_append_format(out, "%s%s", i == 0 ? "" : " ", PICK(random, sample_words));
}

#endif
