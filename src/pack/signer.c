#include "pack/signer.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "crypto/signature.h"
#include "pack/load_key.h"
#include "text/text.h"
#include "text/words.h"

enum { LINE_MAX_OCTETS = 512, LINES_MAX = 100 };

struct signer_command {
	struct face *face;
	const char *const *argv;
	const char *name; /* of its program, without folders */
	int64_t timeout;  /* ms */
};

/* Its words, line by line, as they come. */
struct hearing {
	const struct signer_command *command;
	struct str line;
	size_t lines;
};

static void show_line(struct hearing *hearing)
{
	CLEANUP_STR struct str shown = STR_INIT;
	struct face *face = hearing->command->face;

	if (hearing->line.size == 0)
		return;
	text_escape(&shown, str_bytes(&hearing->line), 0);
	str_truncate(&hearing->line, 0);
	if (hearing->lines < LINES_MAX)
		face_note(face, "%s: %s", hearing->command->name, str_text(&shown));
	else if (hearing->lines == LINES_MAX)
		face_note(face, "%s: (it says more, which is not shown)", hearing->command->name);
	hearing->lines++;
}

static void hear(void *argument, struct bytes untrusted_words)
{
	struct hearing *hearing = argument;

	for (size_t i = 0; i < untrusted_words.size; i++) {
		char c = (char)untrusted_words.data[i];
		if (c == '\n' || hearing->line.size == LINE_MAX_OCTETS)
			show_line(hearing);
		if (c != '\n' && c != '\r')
			str_append_char(&hearing->line, c);
	}
}

/* Only who is in the foreground of a terminal can be asked something there. */
static bool has_terminal(void)
{
	CLEANUP_FD int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	return fd >= 0 && tcgetpgrp(fd) == getpgrp();
}

/* Who is asked for a PIN, or to touch a key, sees first what for. */
static int announce(
	const struct signer_command *command, const struct signed_message *message, struct err *err)
{
	static const char *const uses[KEY_USE_COUNT] = {
		[KEY_USE_ENVELOPE] = "an envelope",
		[KEY_USE_BLOB] = "SHA256SUMS",
		[KEY_USE_ROOT] = "a trust root",
	};
	char count[TEXT_COUNT_SIZE], hex[SHA256_HEX_SIZE];
	struct sha256 digest;
	int rc = sha256_of(message->octets, &digest, err);

	if (rc < 0)
		return rc;
	sha256_to_hex(&digest, hex);
	face_note(command->face, "%s is to sign %s: %s octets, SHA-256 %s", command->name,
		uses[message->use], text_count((int64_t)message->octets.size, count), hex);
	return 0;
}

static int sign(void *argument, enum key_scheme scheme, const struct signed_message *message,
	struct str *untrusted_output, struct err *err)
{
	const struct signer_command *command = argument;
	struct hearing hearing = {.command = command};
	CLEANUP_FD int input_fd = -1;
	bool on_terminal = has_terminal();
	struct child child = {
		.argv = command->argv,
		.search = true,
		.own_group = !on_terminal,
		.timeout = command->timeout,
		.output_max = SIGNATURE_OUTPUT_MAX,
		.ends_over_max = true,
		.failure = ERR_SIGNER,
		.heard = hear,
		.argument = &hearing,
	};

	(void)scheme;
	int rc = on_terminal ? announce(command, message, err) : 0;
	if (rc == 0)
		rc = child_input(message->octets, &input_fd, err);
	if (rc < 0)
		return rc;
	child.input_fd = input_fd;
	rc = child_run(&child, untrusted_output, err);
	show_line(&hearing);
	str_release(&hearing.line);
	return rc;
}

int signer_open(struct face *face, const char *given, int64_t timeout, const char **ret_path,
	struct private_key **ret_key, struct err *err)
{
	struct signer_command *command = arena_alloc(&face->arena, sizeof *command);
	struct public_key *public = NULL;
	const char *path, *words;
	int rc = load_given_key(&face->arena, "--signer", given, "the command that signs", &path,
		&words, &public, err);

	if (rc == 0 && command == NULL)
		rc = err_no_memory(err);
	if (rc == 0 && (rc = words_split(words, &face->arena, &command->argv, err)) < 0)
		(void)err_context(err, "--signer %s", path);
	if (rc < 0) {
		public_key_free(public);
		return rc;
	}
	command->face = face;
	command->timeout = (timeout > 0 ? timeout : SIGNER_TIMEOUT) * 1000;
	const char *slash = strrchr(command->argv[0], '/');
	command->name = slash != NULL ? slash + 1 : command->argv[0];
	rc = private_key_elsewhere(public, sign, command, ret_key, err);
	if (rc == 0)
		*ret_path = path;
	return rc;
}
