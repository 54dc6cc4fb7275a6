/* Why a server cannot be reached, in words that say what to change. */
#include "mongo/driver.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { CERTIFICATES_MAX = 4 * 1024 * 1024 };

/* What the URI says of TLS. */
struct security {
	mongoc_uri_t *uri;
	bool tls;
	const char *authority, *own; /* files, or NULL */
};

static void security_release(struct security *security)
{
	mongoc_uri_destroy(security->uri);
}

static bool read_security(const struct mongo *mongo, struct security *security)
{
	*security = (struct security){.uri = mongoc_uri_new_with_error(mongo->uri, NULL)};
	if (security->uri == NULL)
		return false;
	security->tls = mongoc_uri_get_tls(security->uri);
	security->authority =
		mongoc_uri_get_option_as_utf8(security->uri, MONGOC_URI_TLSCAFILE, NULL);
	security->own = mongoc_uri_get_option_as_utf8(
		security->uri, MONGOC_URI_TLSCERTIFICATEKEYFILE, NULL);
	return true;
}

/* ---- before anything is sent: the files that the URI names */

static int check_file(const struct mongo *mongo, const char *option, const char *path,
	const char *const *marks, struct err *err)
{
	CLEANUP_STR struct str content = STR_INIT;
	int result = file_read_path(path, CERTIFICATES_MAX, &content, err);

	if (result != 0) {
		(void)err_context(err, "%s: %s of the URI", mongo_address(mongo), option);
		return err->code == ERR_NO_MEMORY ? result : err_recode(err, ERR_TLS);
	}
	for (; *marks != NULL; marks++)
		if (strstr(str_text(&content), *marks) == NULL)
			return err_set(err, ERR_TLS, "%s: %s of the URI: %s has no \"%s\" in it",
				mongo_address(mongo), option, path, *marks);
	return 0;
}

int driver_check_tls_files(const struct mongo *mongo, struct err *err)
{
	static const char *const authority[] = {"BEGIN CERTIFICATE", NULL};
	static const char *const own[] = {"BEGIN CERTIFICATE", "PRIVATE KEY", NULL};
	CLEANUP(security_release) struct security security;
	int result = 0;

	if (!read_security(mongo, &security))
		return 0; /* said by who parses it */
	if (security.authority != NULL)
		result = check_file(mongo, "tlsCAFile", security.authority, authority, err);
	if (result == 0 && security.own != NULL)
		result = check_file(mongo, "tlsCertificateKeyFile", security.own, own, err);
	return result;
}

/* ---- afterwards: what the driver says */

enum tls_wish { TLS_ON = 1, TLS_OFF = 2, TLS_EITHER = 3 };
enum file_wish { FILE_ANY, AUTHORITY_NAMED, NO_AUTHORITY, OWN_NAMED, NO_OWN };

static const char wants_own[] =
	"the server ended the TLS connection: it may want a certificate of the client "
	"(tlsCertificateKeyFile in the URI)";
static const char refuses_own[] =
	"the server ended the TLS connection: it may not take the certificate in "
	"tlsCertificateKeyFile";

/* The first row whose words stand in what the driver says, and that the URI fits. */
static const struct {
	const char *words;
	enum tls_wish tls;
	enum file_wish file;
	const char *sentence;
} REASONS[] = {
	{"certificate has expired", TLS_ON, FILE_ANY, "the server's certificate has expired"},
	{"certificate is not yet valid", TLS_ON, FILE_ANY,
		"the server's certificate is not valid yet: compare the clocks"},
	{"ddress mismatch", TLS_ON, FILE_ANY,
		"the server's certificate is for another address than the one in the URI"},
	{"ostname mismatch", TLS_ON, FILE_ANY,
		"the server's certificate is for another host name than the one in the URI"},
	{"revoked", TLS_ON, FILE_ANY, "the server's certificate was revoked"},
	{"certificate verify failed", TLS_ON, AUTHORITY_NAMED,
		"the server's certificate is not of an authority in tlsCAFile"},
	{"certificate verify failed", TLS_ON, NO_AUTHORITY,
		"the server's certificate is of an authority that is not known here: name its "
		"file as tlsCAFile in the URI"},
	{"TLS handshake failed", TLS_ON, FILE_ANY,
		"the server does not speak TLS on this port: name the port that does, or leave tls "
		"out of the URI"},
	{"connection closed", TLS_ON, NO_OWN, wants_own},
	{"length header", TLS_ON, NO_OWN, wants_own},
	{"connection closed", TLS_ON, OWN_NAMED, refuses_own},
	{"length header", TLS_ON, OWN_NAMED, refuses_own},
	{"Server closed connection", TLS_OFF, FILE_ANY,
		"the server closed the connection at the first word: if it speaks TLS only, the "
		"URI needs tls=true"},
};

static bool fits(const struct security *security, enum tls_wish tls, enum file_wish file)
{
	if ((tls & (security->tls ? TLS_ON : TLS_OFF)) == 0)
		return false;
	switch (file) {
	case AUTHORITY_NAMED:
		return security->authority != NULL;
	case NO_AUTHORITY:
		return security->authority == NULL;
	case OWN_NAMED:
		return security->own != NULL;
	case NO_OWN:
		return security->own == NULL;
	case FILE_ANY:
		break;
	}
	return true;
}

static const char *sentence_for(const struct mongo *mongo, const char *text)
{
	CLEANUP(security_release) struct security security;

	if (!read_security(mongo, &security))
		return NULL;
	for (size_t i = 0; i < sizeof REASONS / sizeof *REASONS; i++)
		if (strstr(text, REASONS[i].words) != NULL &&
			fits(&security, REASONS[i].tls, REASONS[i].file))
			return REASONS[i].sentence;
	return NULL;
}

/* "No suitable servers found (…): [connection refused calling hello on 'host:1']" without its
 * frame. */
static void append_reason(struct str *out, const char *text)
{
	const char *open = strchr(text, '['), *close = strrchr(text, ']');

	if (strncmp(text, "No suitable servers found", 25) == 0 && open != NULL && close > open)
		str_append(out, open + 1, (size_t)(close - open - 1));
	else
		str_append_text(out, text);
}

int driver_say_unreachable(const struct mongo *mongo, const char *text, struct err *err)
{
	CLEANUP_STR struct str said = STR_INIT, whole = STR_INIT;
	/* Once it was connected, a connection that ends is only that. */
	bool connecting = mongo->write_concern == NULL;
	const char *sentence = connecting ? sentence_for(mongo, text) : NULL;

	append_reason(&said, text);
	if (sentence == NULL)
		return driver_say(mongo, ERR_DATABASE_LOST, str_text(&said), 0, err);
	str_append_format(&whole, "%s (%s)", sentence, str_text(&said));
	return driver_say(mongo, ERR_TLS, str_text(&whole), 0, err);
}
