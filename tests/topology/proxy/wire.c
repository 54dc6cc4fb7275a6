#include <string.h>
#include <sys/socket.h>

#include "tests/topology/proxy/proxy.h"

enum { HEADER = 16, MESSAGE_MAX = 96 * 1024 * 1024, FLAG_CHECKSUM = 1 };

static int32_t get32(const uint8_t *at)
{
	return (int32_t)((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
			 (uint32_t)at[3] << 24);
}

static void put32(struct str *out, int32_t number)
{
	const uint32_t n = (uint32_t)number;
	const uint8_t octets[4] = {
		(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24)};

	str_append(out, octets, sizeof octets);
}

static void set32(struct str *out, size_t at, size_t number)
{
	for (size_t i = 0; i < 4; i++)
		out->text[at + i] = (char)(number >> 8 * i);
}

static int receive(int fd, void *to, size_t size)
{
	for (size_t got = 0; got < size;) {
		ssize_t n = recv(fd, (uint8_t *)to + got, size - got, 0);
		if (n <= 0)
			return 0;
		got += (size_t)n;
	}
	return 1;
}

int send_octets(int fd, struct bytes octets)
{
	for (size_t sent = 0; sent < octets.size;) {
		ssize_t n = send(fd, octets.data + sent, octets.size - sent, MSG_NOSIGNAL);
		if (n <= 0)
			return -1;
		sent += (size_t)n;
	}
	return 0;
}

/* ---- reading */

/* A document at the beginning of rest, which then begins after it. */
static bool take_document(struct bytes *rest, struct bytes *ret_doc)
{
	if (rest->size < DOC_SIZE_MIN)
		return false;
	int32_t size = get32(rest->data);
	if (size < DOC_SIZE_MIN || (size_t)size > rest->size)
		return false;
	*ret_doc = bytes_make(rest->data, (size_t)size);
	*rest = bytes_make(rest->data + size, rest->size - (size_t)size);
	return true;
}

static bool take_sequence(struct message *message, struct bytes *rest)
{
	if (rest->size < 5 || message->sequence_count == SEQUENCES_MAX)
		return false;
	int32_t size = get32(rest->data);
	if (size < 5 || (size_t)size > rest->size)
		return false;
	const char *name = (const char *)rest->data + 4;
	size_t length = strnlen(name, (size_t)size - 4);
	if (length + 5 > (size_t)size)
		return false;
	message->sequences[message->sequence_count++] = (struct sequence){
		name, bytes_make(rest->data + 5 + length, (size_t)size - 5 - length)};
	*rest = bytes_make(rest->data + size, rest->size - (size_t)size);
	return true;
}

static bool take_sections(struct message *message, struct bytes rest)
{
	if (rest.size < 4)
		return false;
	message->flags = (uint32_t)get32(rest.data);
	rest = bytes_make(rest.data + 4, rest.size - 4);
	if (message->flags & FLAG_CHECKSUM && rest.size >= 4)
		rest.size -= 4;
	while (rest.size > 0) {
		uint8_t kind = rest.data[0];
		rest = bytes_make(rest.data + 1, rest.size - 1);
		if (kind == 0 ? !take_document(&rest, &message->body)
			      : !take_sequence(message, &rest))
			return false;
	}
	return message->body.size > 0;
}

/* flags, "admin.$cmd", skip, limit, the document */
static bool take_query(struct message *message, struct bytes rest)
{
	if (rest.size < 4)
		return false;
	size_t name = strnlen((const char *)rest.data + 4, rest.size - 4);
	size_t before = 4 + name + 1 + 8;
	if (before > rest.size)
		return false;
	rest = bytes_make(rest.data + before, rest.size - before);
	return take_document(&rest, &message->body);
}

static bool take_reply(struct message *message, struct bytes rest)
{
	if (rest.size < 20)
		return false;
	rest = bytes_make(rest.data + 20, rest.size - 20);
	return take_document(&rest, &message->body);
}

static void name_command(struct message *message)
{
	struct doc_iter iter = doc_iter_begin(message->body);
	struct value value;
	const char *name;

	message->command = message->collection = "";
	message->database = doc_get_string(message->body, "$db");
	if (message->database == NULL)
		message->database = "";
	if (!doc_iter_next(&iter, &name, &value))
		return;
	message->command = name;
	const char *collection =
		doc_get_string(message->body, strcmp(name, "getMore") == 0 ? "collection" : name);
	if (collection != NULL)
		message->collection = collection;
}

static bool understand(struct message *message)
{
	struct bytes rest = bytes_make(
		(const uint8_t *)message->octets.text + HEADER, message->octets.size - HEADER);
	struct err err;
	bool whole = message->opcode == OP_MSG	   ? take_sections(message, rest)
		     : message->opcode == OP_QUERY ? take_query(message, rest)
		     : message->opcode == OP_REPLY ? take_reply(message, rest)
						   : false;

	if (!whole || doc_check(message->body, &err) != 0)
		return false;
	name_command(message);
	return true;
}

int message_read(int fd, struct message *ret_message)
{
	struct message message = {.octets = STR_INIT};
	uint8_t header[HEADER];

	if (!receive(fd, header, sizeof header))
		return 0;
	int32_t size = get32(header);
	if (size < HEADER || size > MESSAGE_MAX)
		return 0;
	message.id = get32(header + 4);
	message.opcode = get32(header + 12);
	str_append(&message.octets, header, HEADER);
	uint8_t *rest = str_extend(&message.octets, (size_t)size - HEADER);
	if (rest == NULL || !receive(fd, rest, (size_t)size - HEADER) || !understand(&message)) {
		message_release(&message);
		return 0;
	}
	*ret_message = message;
	return 1;
}

void message_release(struct message *message)
{
	str_release(&message->octets);
}

/* ---- writing */

static size_t begin_message(struct str *out, int32_t id, int32_t answers, int32_t opcode)
{
	size_t at = out->size;

	put32(out, 0);
	put32(out, id);
	put32(out, answers);
	put32(out, opcode);
	return at;
}

void message_write(struct str *out, int32_t id, int32_t answers, uint32_t flags, struct bytes body,
	const struct message *from)
{
	size_t at = begin_message(out, id, answers, OP_MSG);

	put32(out, (int32_t)(flags & ~(uint32_t)FLAG_CHECKSUM));
	str_append_char(out, 0);
	str_append(out, body.data, body.size);
	for (size_t i = 0; from != NULL && i < from->sequence_count; i++) {
		const struct sequence *sequence = &from->sequences[i];
		str_append_char(out, 1);
		put32(out, (int32_t)(4 + strlen(sequence->name) + 1 + sequence->docs.size));
		str_append(out, sequence->name, strlen(sequence->name) + 1);
		str_append(out, sequence->docs.data, sequence->docs.size);
	}
	set32(out, at, out->size - at);
}

void answer_write(struct str *out, const struct message *request, struct bytes doc)
{
	if (request->opcode == OP_MSG) {
		message_write(out, request->id + 1, request->id, 0, doc, NULL);
		return;
	}
	size_t at = begin_message(out, request->id + 1, request->id, OP_REPLY);
	put32(out, 8); /* AwaitCapable */
	put32(out, 0); /* no cursor */
	put32(out, 0);
	put32(out, 0);
	put32(out, 1); /* one document */
	str_append(out, doc.data, doc.size);
	set32(out, at, out->size - at);
}

/* ---- operations */

static const char *operations_name(const struct message *message)
{
	static const char *const names[][2] = {
		{"insert", "documents"}, {"update", "updates"}, {"delete", "deletes"}};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(message->command, names[i][0]) == 0)
			return names[i][1];
	return NULL;
}

bool operation_at(const struct message *message, size_t index, struct bytes *ret_operation)
{
	const char *wanted = operations_name(message), *name;
	struct value value;

	if (wanted == NULL)
		return false;
	for (size_t i = 0; i < message->sequence_count; i++) {
		struct bytes rest = message->sequences[i].docs;
		if (strcmp(message->sequences[i].name, wanted) != 0)
			continue;
		while (take_document(&rest, ret_operation))
			if (index-- == 0)
				return true;
		return false;
	}
	struct value array = doc_get(message->body, wanted);
	if (array.type != VALUE_ARRAY)
		return false;
	struct doc_iter iter = doc_iter_begin(array.bytes);
	while (doc_iter_next(&iter, &name, &value))
		if (value.type == VALUE_DOCUMENT && index-- == 0) {
			*ret_operation = value.bytes;
			return true;
		}
	return false;
}

size_t operation_count(const struct message *message)
{
	struct bytes operation;
	size_t count = 0;

	for (size_t i = 0; i < message->sequence_count; i++) {
		struct bytes rest = message->sequences[i].docs;
		while (take_document(&rest, &operation))
			count++;
	}
	const char *name = operations_name(message);
	struct value array =
		name == NULL ? (struct value){VALUE_MISSING} : doc_get(message->body, name);
	return count + (array.type == VALUE_ARRAY ? doc_count(array.bytes) : 0);
}
