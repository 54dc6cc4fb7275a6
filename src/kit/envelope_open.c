#include "kit/envelope_open.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/base64.h"
#include "json/slice.h"
#include "kit/bundle.h"
#include "kit/envelope_internal.h"

enum { PAE_HEAD_MAX = ENVELOPE_TYPE_MAX + 64 };

/* A bundle, and a payload with escapes in it, which nobody writes: with copies. */
static int open_by_copy(
	struct str *text, struct arena *arena, struct envelope *ret_envelope, struct err *err)
{
	struct str pae = STR_INIT;
	struct envelope envelope;
	int rc = envelope_or_bundle_parse(str_bytes(text), arena, &envelope, err);

	if (rc == 0)
		rc = envelope_pae(envelope.payload_type, envelope.untrusted_payload, &pae, err);
	str_release(text);
	*text = pae;
	if (rc < 0)
		return rc;
	envelope.untrusted_payload =
		bytes_make((uint8_t *)pae.text + pae.size - envelope.untrusted_payload.size,
			envelope.untrusted_payload.size);
	*ret_envelope = envelope;
	return 0;
}

/* All of the text but what is between the payload's quotes. */
static int parse_rest(
	struct str *text, struct bytes payload, struct json_doc **ret_doc, struct err *err)
{
	CLEANUP_STR struct str rest = STR_INIT;
	const uint8_t *end = (const uint8_t *)text->text + text->size;

	str_append(&rest, text->text, (size_t)(payload.data - (const uint8_t *)text->text));
	str_append(
		&rest, payload.data + payload.size, (size_t)(end - (payload.data + payload.size)));
	int rc = str_check(&rest, err);
	return rc < 0 ? rc : json_parse_checked(str_bytes(&rest), ret_doc, err);
}

/* The payload stands somewhere in the text, of which nothing else is needed any more. */
static int make_pae(struct str *text, struct bytes payload, const char *type, struct err *err)
{
	char head[PAE_HEAD_MAX];
	int size =
		snprintf(head, sizeof head, "DSSEv1 %zu %s %zu ", strlen(type), type, payload.size);

	/* In JSON there is more around a payload than that. */
	if (size < 0 || (size_t)size >= sizeof head || (size_t)size + payload.size > text->size)
		return err_set(err, ERR_INTERNAL, "an envelope is too short for itself");
	memmove(text->text + size, payload.data, payload.size);
	memcpy(text->text, head, (size_t)size);
	str_truncate(text, (size_t)size + payload.size);
	str_fit(text);
	return 0;
}

static int open_in_place(struct str *text, struct bytes base64, struct arena *arena,
	struct envelope *ret_envelope, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	uint8_t *place = (uint8_t *)text->text + (base64.data - (const uint8_t *)text->text);
	struct envelope envelope;
	size_t size = 0;

	int rc = parse_rest(text, base64, &doc, err);
	if (rc == 0 && base64_decode_either_into(base64, place, &size, err) < 0)
		rc = err_context(err, "envelope: payload");
	if (rc == 0)
		rc = envelope_from_json(json_root(doc), 1, arena, &envelope, err);
	if (rc == 0)
		rc = make_pae(text, bytes_make(place, size), envelope.payload_type, err);
	if (rc < 0)
		return rc;
	envelope.untrusted_payload = bytes_make((uint8_t *)text->text + text->size - size, size);
	*ret_envelope = envelope;
	return 0;
}

int envelope_open(struct str *untrusted_text, struct arena *arena, struct envelope *ret_envelope,
	struct err *err)
{
	struct bytes text = str_bytes(untrusted_text);
	struct bytes payload, media_type;

	if (json_check(text, JSON_LIMITS(BUNDLE_SIZE_MAX), err) < 0)
		return err_context(err, "envelope");
	int rc = json_slice_member(text, "mediaType", &media_type, err);
	if (rc == 0)
		rc = json_slice_member(text, "payload", &payload, err);
	if (rc < 0)
		return rc;
	if (media_type.size > 0 || payload.size < 2 || payload.data[0] != '"' ||
		memchr(payload.data, '\\', payload.size) != NULL)
		return open_by_copy(untrusted_text, arena, ret_envelope, err);
	return open_in_place(untrusted_text, bytes_make(payload.data + 1, payload.size - 2), arena,
		ret_envelope, err);
}

int envelope_close(const struct envelope *envelope, struct str *text, struct err *err)
{
	static const char before[] = "{\"payload\":\"";
	const size_t head = sizeof before - 1;
	CLEANUP_STR struct str shell = STR_INIT;
	struct envelope empty = *envelope;
	size_t size = envelope->untrusted_payload.size;
	size_t encoded = base64_encoded_size(size);

	empty.untrusted_payload = bytes_make(NULL, 0);
	int rc = envelope_write(&empty, &shell, err);
	if (rc < 0)
		return rc;
	if (shell.size < head || memcmp(shell.text, before, head) != 0)
		return err_set(err, ERR_INTERNAL, "an envelope does not begin with its payload");
	memmove(text->text, envelope->untrusted_payload.data, size);
	str_truncate(text, size);
	if (str_extend(text, head + encoded - size) == NULL)
		return err_no_memory(err);
	base64_encode_in_place((uint8_t *)text->text, size, head);
	memcpy(text->text, before, head);
	str_append(text, shell.text + head, shell.size - head);
	return str_check(text, err);
}
