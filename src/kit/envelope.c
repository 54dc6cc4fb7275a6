#include "kit/envelope_internal.h"

#include <string.h>

#include "base/cleanup.h"
#include "crypto/base64.h"
#include "json/json_write.h"

static int decode(const char *text, struct arena *arena, struct bytes *ret, struct err *err)
{
	struct bytes untrusted_text = bytes_of_string(text);
	uint8_t *data = arena_alloc(arena, base64_decoded_size(untrusted_text));
	size_t size;

	if (data == NULL)
		return err_no_memory(err);
	int status = base64_decode_either_into(untrusted_text, data, &size, err);
	if (status == 0)
		*ret = bytes_make(data, size);
	return status;
}

static int parse_signature(const struct json *value, struct arena *arena,
	struct envelope_signature *signature, struct err *err)
{
	const char *keyid = "", *text;
	int status;

	if (json_type(value) != JSON_OBJECT)
		return err_set(err, ERR_SYNTAX, "it is no object");
	if ((status = json_optional_string(value, "keyid", ENVELOPE_KEYID_MAX, &keyid, err)) != 0 ||
		(status = json_need_string(
			 value, "sig", ENVELOPE_SIGNATURE_TEXT_MAX, &text, err)) != 0)
		return status;
	if (decode(text, arena, &signature->signature, err) != 0)
		return err_context(err, "sig");
	signature->untrusted_keyid = arena_string(arena, keyid);
	return signature->untrusted_keyid == NULL ? err_no_memory(err) : 0;
}

static int parse_signatures(const struct json *list, size_t least, struct arena *arena,
	struct envelope *envelope, struct err *err)
{
	size_t count = json_count(list), i = 0;

	if (count < least)
		return err_set(err, ERR_MANIFEST_SIGNATURE, "nobody has signed it");
	if (count > ENVELOPE_SIGNATURES_MAX)
		return err_set(
			err, ERR_LIMIT, "it has more than %d signatures", ENVELOPE_SIGNATURES_MAX);
	envelope->signatures = arena_array(arena, count, sizeof *envelope->signatures);
	if (envelope->signatures == NULL)
		return err_no_memory(err);
	for (const struct json *value = json_first(list); value != NULL; value = json_next(value)) {
		if (parse_signature(value, arena, &envelope->signatures[i], err) != 0)
			return err_context(err, "signature %zu", i + 1);
		i++;
	}
	envelope->signature_count = count;
	return 0;
}

static int parse_object(const struct json *root, size_t least, struct arena *arena,
	struct envelope *envelope, struct err *err)
{
	const struct json *payload, *signatures;
	const char *type;
	int status;

	if (json_type(root) != JSON_OBJECT)
		return err_set(err, ERR_SYNTAX, "it is no object");
	if ((status = json_need_string(root, "payloadType", ENVELOPE_TYPE_MAX, &type, err)) != 0 ||
		(status = json_need(root, "payload", JSON_STRING, &payload, err)) != 0 ||
		(status = json_need(root, "signatures", JSON_ARRAY, &signatures, err)) != 0)
		return status;
	envelope->payload_type = arena_string(arena, type);
	if (envelope->payload_type == NULL)
		return err_no_memory(err);
	if (decode(json_string(payload), arena, &envelope->untrusted_payload, err) != 0)
		return err_context(err, "payload");
	return parse_signatures(signatures, least, arena, envelope, err);
}

int envelope_from_json(const struct json *untrusted_object, size_t least, struct arena *arena,
	struct envelope *ret_envelope, struct err *err)
{
	struct envelope envelope = {0};

	if (parse_object(untrusted_object, least, arena, &envelope, err) != 0)
		return err_context(err, "envelope");
	*ret_envelope = envelope;
	return 0;
}

static int parse_text(struct bytes untrusted_text, size_t least, struct arena *arena,
	struct envelope *ret_envelope, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;

	if (json_parse(untrusted_text, JSON_LIMITS(ENVELOPE_SIZE_MAX), &doc, err) != 0)
		return err_context(err, "envelope");
	return envelope_from_json(json_root(doc), least, arena, ret_envelope, err);
}

int envelope_parse(struct bytes untrusted_text, struct arena *arena, struct envelope *ret_envelope,
	struct err *err)
{
	return parse_text(untrusted_text, 1, arena, ret_envelope, err);
}

int envelope_parse_draft(struct bytes untrusted_text, struct arena *arena,
	struct envelope *ret_envelope, struct err *err)
{
	return parse_text(untrusted_text, 0, arena, ret_envelope, err);
}

int envelope_pae(const char *payload_type, struct bytes payload, struct str *out, struct err *err)
{
	str_append_format(
		out, "DSSEv1 %zu %s %zu ", strlen(payload_type), payload_type, payload.size);
	str_append(out, payload.data, payload.size);
	return str_check(out, err);
}

static int write_base64(
	struct json_writer *json, const char *name, struct bytes data, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	base64_encode(data, &text);
	json_member_string(json, name, str_text(&text));
	return str_check(&text, err);
}

int envelope_write(const struct envelope *envelope, struct str *out, struct err *err)
{
	struct json_writer json;
	int status;

	json_write_begin(&json, out);
	json_write_object(&json);
	status = write_base64(&json, "payload", envelope->untrusted_payload, err);
	if (status != 0)
		return status;
	json_member_string(&json, "payloadType", envelope->payload_type);
	json_member_array(&json, "signatures");
	for (size_t i = 0; i < envelope->signature_count; i++) {
		const struct envelope_signature *signature = &envelope->signatures[i];
		json_write_object(&json);
		if (signature->untrusted_keyid[0] != '\0')
			json_member_string(&json, "keyid", signature->untrusted_keyid);
		status = write_base64(&json, "sig", signature->signature, err);
		if (status != 0)
			return status;
		json_write_end(&json);
	}
	json_write_end(&json);
	json_write_end(&json);
	return str_check(out, err);
}
