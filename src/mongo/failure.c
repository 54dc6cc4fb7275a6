/* What an error of the driver means to the one who called. */
#include "mongo/driver.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "text/text.h"

enum { INTERNAL_ERROR = 1, UNAUTHORIZED = 13, AUTHENTICATION_FAILED = 18 };

/*
 * Not a refusal of what was asked: the server is going away, is electing, lost its own network or
 * is out of something for a moment. Whether the command was carried out is not known, or it can be
 * asked again. (mongo: src/mongo/base/error_codes.yml; the drivers' specifications of server
 * discovery, retryable reads and retryable writes.)
 */
static const int lost_codes[] = {
	6,     /* HostUnreachable */
	7,     /* HostNotFound */
	24,    /* LockTimeout */
	43,    /* CursorNotFound: idle too long, or of a server that was restarted */
	46,    /* LockBusy */
	50,    /* MaxTimeMSExpired */
	63,    /* StaleShardVersion */
	64,    /* WriteConcernTimeout */
	89,    /* NetworkTimeout */
	91,    /* ShutdownInProgress */
	100,   /* UnsatisfiableWriteConcern */
	112,   /* WriteConflict */
	133,   /* FailedToSatisfyReadPreference: a shard without a primary */
	134,   /* ReadConcernMajorityNotAvailableYet */
	150,   /* StaleEpoch */
	175,   /* QueryPlanKilled */
	189,   /* PrimarySteppedDown */
	202,   /* NetworkInterfaceExceededTimeLimit */
	237,   /* CursorKilled */
	249,   /* StaleDbVersion */
	262,   /* ExceededTimeLimit */
	317,   /* ConnectionPoolExpired */
	355,   /* InterruptedDueToStorageChange */
	365,   /* TemporarilyUnavailable */
	462,   /* IngressRequestRateLimitExceeded */
	9001,  /* SocketException */
	10058, /* LegacyNotPrimary */
	10107, /* NotWritablePrimary */
	11600, /* InterruptedAtShutdown */
	11602, /* InterruptedDueToReplStateChange */
	13388, /* StaleConfig */
	13435, /* NotPrimaryNoSecondaryOk */
	13436, /* NotPrimaryOrSecondary */
};

/* What stands in front of a database (FerretDB) has one code when that is gone, and its words. */
static const char *const gone_behind[] = {"terminating connection", "the database system is",
	"failed to connect", "connection refused", "connection reset", "conn closed", "closed pool",
	"unexpected EOF", "broken pipe"};

bool driver_is_lost(int code, const char *message)
{
	for (size_t i = 0; i < sizeof lost_codes / sizeof lost_codes[0]; i++)
		if (lost_codes[i] == code)
			return true;
	for (size_t i = 0; code == INTERNAL_ERROR && i < sizeof gone_behind / sizeof *gone_behind;
		i++)
		if (strstr(message, gone_behind[i]) != NULL)
			return true;
	return false;
}

/* What the server, or the driver for it, says may be asked again. */
static bool is_transient(const bson_t *reply)
{
	return reply != NULL && (mongoc_error_has_label(reply, "RetryableWriteError") ||
					mongoc_error_has_label(reply, "TransientTransactionError"));
}

int driver_view(struct bytes doc, bson_t *ret_view, struct err *err)
{
	if (!bson_init_static(ret_view, doc.data, doc.size))
		return err_set(err, ERR_INTERNAL, "BSON of %zu octets is not whole", doc.size);
	return 0;
}

static void fill_refusal(struct mongo_refusal *refusal, int code, const bson_t *reply)
{
	bson_iter_t iter;

	if (refusal == NULL)
		return;
	*refusal = (struct mongo_refusal){.code = code};
	if (reply == NULL || !bson_iter_init_find(&iter, reply, "codeName") ||
		!BSON_ITER_HOLDS_UTF8(&iter))
		return;
	(void)snprintf(refusal->name, sizeof refusal->name, "%s", bson_iter_utf8(&iter, NULL));
}

int driver_say(const struct mongo *mongo, enum err_code code, const char *text, int server_code,
	struct err *err)
{
	CLEANUP_STR struct str shown = STR_INIT;

	/* What a server says is shown to people. */
	text_escape(&shown, bytes_of_string(text), 0);
	if (server_code == 0)
		return err_set(err, code, "%s: %s", mongo_address(mongo), str_text(&shown));
	return err_set(err, code, "%s: %s (server's code %d)", mongo_address(mongo),
		str_text(&shown), server_code);
}

static bool is_login(const bson_error_t *error)
{
	if (error->domain == MONGOC_ERROR_CLIENT)
		return error->code == MONGOC_ERROR_CLIENT_AUTHENTICATE;
	/* Nobody has logged in, and the server wants it. */
	if (error->domain == MONGOC_ERROR_SERVER && error->code == UNAUTHORIZED)
		return strstr(error->message, "requires authentication") != NULL;
	return error->domain == MONGOC_ERROR_SERVER && error->code == AUTHENTICATION_FAILED;
}

int driver_failed(const struct mongo *mongo, const bson_error_t *error, const bson_t *reply,
	struct mongo_refusal *refusal, struct err *err)
{
	int code = (int)error->code;

	if (refusal != NULL)
		*refusal = (struct mongo_refusal){0};
	if (is_login(error))
		return driver_say(mongo, ERR_LOGIN, error->message, 0, err);
	switch (error->domain) {
	case MONGOC_ERROR_SERVER:
	case MONGOC_ERROR_WRITE_CONCERN:
		fill_refusal(refusal, code, reply);
		return driver_say(mongo,
			error->domain == MONGOC_ERROR_WRITE_CONCERN ||
					driver_is_lost(code, error->message) || is_transient(reply)
				? ERR_DATABASE_LOST
				: ERR_MIGRATION,
			error->message, code, err);
	case MONGOC_ERROR_STREAM:
	case MONGOC_ERROR_SERVER_SELECTION:
		return driver_say_unreachable(mongo, error->message, err);
	case MONGOC_ERROR_CLIENT:
	case MONGOC_ERROR_PROTOCOL:
		return driver_say(mongo, ERR_DATABASE_LOST, error->message, 0, err);
	default:
		return driver_say(mongo, ERR_MIGRATION, error->message, 0, err);
	}
}

int driver_check_write_concern(const struct mongo *mongo, const bson_t *reply,
	struct mongo_refusal *refusal, struct err *err)
{
	struct bytes doc = bytes_make(bson_get_data(reply), reply->len);
	struct value error = doc_get(doc, "writeConcernError");
	int64_t code = 0;

	if (error.type != VALUE_DOCUMENT)
		return 0;
	(void)doc_get_integer(error.bytes, "code", &code);
	const char *text = doc_get_string(error.bytes, "errmsg");
	fill_refusal(refusal, (int)code, NULL);
	return driver_say(mongo, ERR_DATABASE_LOST,
		text != NULL ? text : "the write is not acknowledged by a majority", (int)code,
		err);
}
