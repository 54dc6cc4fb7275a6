#include "engine/quoted.h"

#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "json/json.h"
#include "text/text.h"

static void quote(struct json_writer *writer, const char *name, const char *text)
{
	json_write_object(writer);
	json_member_string(writer, "name", name);
	json_member_string(writer, "text", text);
	json_write_end(writer);
}

void quote_manifest(const struct manifest *manifest, struct json_writer *writer)
{
	char size[TEXT_SIZE_SIZE], text[256], hex[SHA256_HEX_SIZE];

	json_member_array(writer, "fileList");
	for (size_t i = 0; i < manifest->file_count && i < QUOTED_FILES_MAX; i++) {
		const struct manifest_file *file = &manifest->files[i];
		sha256_to_hex(&file->digest, hex);
		(void)snprintf(text, sizeof text, "%s, %s, sha256 %.16s…",
			file_role_name(file->role), text_size((uint64_t)file->size, size), hex);
		quote(writer, file->name, text);
	}
	json_write_end(writer);
	json_member_array(writer, "componentList");
	for (size_t i = 0; i < manifest->component_count && i < QUOTED_FILES_MAX; i++)
		quote(writer, manifest->components[i].name, manifest->components[i].version);
	json_write_end(writer);
}

/* ---- conflicts */

/* The end of the file from a line's beginning on; false if there is none. */
static bool read_tail(int run_dirfd, struct str *tail)
{
	CLEANUP_FD int fd = -1;
	CLEANUP_FREE char *octets = malloc(QUOTED_TAIL_MAX);
	struct stat status;
	struct err ignored;

	if (octets == NULL || file_open_at(run_dirfd, "conflicts.ndjson", &fd, &ignored) < 0 ||
		fstat(fd, &status) != 0)
		return false;
	off_t begin = status.st_size > QUOTED_TAIL_MAX ? status.st_size - QUOTED_TAIL_MAX : 0;
	ssize_t got = pread(fd, octets, QUOTED_TAIL_MAX, begin);
	if (got <= 0)
		return false;
	const char *line = octets;
	if (begin > 0) {
		line = memchr(octets, '\n', (size_t)got);
		if (line == NULL)
			return false;
		line++;
	}
	str_append(tail, line, (size_t)(octets + got - line));
	return str_check(tail, &ignored) == 0;
}

/* Where the last lines begin, so many at most. */
static const char *last_lines(const struct str *tail, size_t count)
{
	const char *begin = str_text(tail), *at = begin + tail->size;

	while (at > begin) {
		if (at[-1] == '\n' && count-- == 0)
			return at;
		at--;
	}
	return begin;
}

void quote_conflicts(int run_dirfd, struct json_writer *writer)
{
	/* Inside of an event a document lies deeper than in its own line. */
	const struct json_limits limits = {
		.size = QUOTED_TAIL_MAX, .depth = JSON_DEPTH_MAX - 4, .own = true};
	CLEANUP_STR struct str tail = STR_INIT;

	if (run_dirfd < 0 || !read_tail(run_dirfd, &tail))
		return;
	json_member_array(writer, "conflicts");
	for (const char *line = last_lines(&tail, QUOTED_CONFLICTS_MAX); *line != '\0';) {
		CLEANUP(json_cleanup) struct json_doc *doc = NULL;
		size_t size = strcspn(line, "\n");
		struct err ignored;
		if (json_parse(bytes_make(line, size), &limits, &doc, &ignored) == 0)
			json_write_value(writer, json_root(doc));
		line += size + (line[size] == '\n');
	}
	json_write_end(writer);
}
