/*
 * One static program that calls every third-party library, to show that what src/deps built links
 * in the order of the Makefile and runs without a file of the host. Prints one line a case.
 */
#include <archive.h>
#include <archive_entry.h>
#include <bzlib.h>
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <curses.h>
#include <fcntl.h>
#include <locale.h>
#include <lz4frame.h>
#include <lzma.h>
#include <mbedtls/pk.h>
#include <mongoc/mongoc.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <qrencode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>
#include <utf8proc.h>
#include <zlib.h>
#include <zstd.h>

static int failures;

static void report(const char *name, int holds)
{
	printf("%s %s\n", holds ? "ok" : "FAIL", name);
	failures += !holds;
}

static void digest(void)
{
	static const unsigned char abc[4] = {0xba, 0x78, 0x16, 0xbf};
	unsigned char out[EVP_MAX_MD_SIZE];
	unsigned int length = 0;
	int done = EVP_Digest("abc", 3, out, &length, EVP_sha256(), NULL);
	report("libraries-evp-sha256", done == 1 && length == 32 && memcmp(out, abc, 4) == 0);
}

/* Writes an archive of one file through a filter into memory, and reads it back. */
static int tar_round_trip(int (*add_filter)(struct archive *), int (*support)(struct archive *))
{
	static const char name[] = "kit/\xc3\xa9t\xc3\xa9.txt", content[] = "summer";
	char buffer[65536], back[sizeof content] = "";
	size_t used = 0;
	int holds = 0;

	struct archive *out = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	archive_write_set_format_pax_restricted(out);
	add_filter(out);
	archive_write_open_memory(out, buffer, sizeof buffer, &used);
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, sizeof content);
	archive_write_header(out, entry);
	archive_write_data(out, content, sizeof content);
	archive_entry_free(entry);
	archive_write_free(out);

	struct archive *in = archive_read_new();
	archive_read_support_format_tar(in);
	/* A filter that libarchive leaves to an external program answers ARCHIVE_WARN. */
	if (support(in) == ARCHIVE_OK && archive_read_open_memory(in, buffer, used) == ARCHIVE_OK &&
		archive_read_next_header(in, &entry) == ARCHIVE_OK &&
		archive_read_data(in, back, sizeof back) == (la_ssize_t)sizeof back)
		holds = strcmp(back, content) == 0 &&
			strcmp(archive_entry_pathname(entry), name) == 0;
	archive_read_free(in);
	return holds;
}

static void archives(void)
{
	report("libraries-tar-gzip",
		tar_round_trip(archive_write_add_filter_gzip, archive_read_support_filter_gzip));
	report("libraries-tar-zstd",
		tar_round_trip(archive_write_add_filter_zstd, archive_read_support_filter_zstd));
	report("libraries-tar-xz",
		tar_round_trip(archive_write_add_filter_xz, archive_read_support_filter_xz));
	report("libraries-tar-bzip2",
		tar_round_trip(archive_write_add_filter_bzip2, archive_read_support_filter_bzip2));
	report("libraries-tar-lz4",
		tar_round_trip(archive_write_add_filter_lz4, archive_read_support_filter_lz4));
	report("libraries-versions", strcmp(zlibVersion(), ZLIB_VERSION) == 0 &&
					     ZSTD_versionNumber() == ZSTD_VERSION_NUMBER &&
					     lzma_version_number() == LZMA_VERSION &&
					     BZ2_bzlibVersion() != NULL &&
					     LZ4F_getVersion() == LZ4F_VERSION);
}

static void zstd_threads(void)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	report("libraries-zstd-threads",
		!ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_nbWorkers, 2)));
	ZSTD_freeCCtx(context);
}

static void public_key(void)
{
	/* The public point is the base point of P-256: a key that no one will use. */
	static const char pem[] =
		"-----BEGIN PUBLIC KEY-----\n"
		"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n"
		"6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n"
		"-----END PUBLIC KEY-----\n";
	mbedtls_pk_context key;
	mbedtls_pk_init(&key);
	int code = mbedtls_pk_parse_public_key(&key, (const unsigned char *)pem, sizeof pem);
	report("libraries-mbedtls-key", code == 0 && mbedtls_pk_get_bitlen(&key) == 256);
	mbedtls_pk_free(&key);
}

static void text(void)
{
	utf8proc_uint8_t *nfc = utf8proc_NFC((const utf8proc_uint8_t *)"e\xcc\x81");
	report("libraries-utf8proc-nfc", nfc && strcmp((const char *)nfc, "\xc3\xa9") == 0);
	free(nfc);
	cJSON *json = cJSON_Parse("{\"a\":[1,2]}");
	report("libraries-cjson", json && cJSON_GetArraySize(cJSON_GetObjectItem(json, "a")) == 2);
	cJSON_Delete(json);
}

static void driver(void)
{
	bson_error_t error;
	mongoc_init();
	mongoc_uri_t *uri = mongoc_uri_new_with_error(
		"mongodb://u:p@127.0.0.1:1/"
		"?tls=true&authMechanism=SCRAM-SHA-256&serverSelectionTimeoutMS=1"
		"&serverSelectionTryOnce=true&compressors=zlib",
		&error);
	mongoc_client_t *client = uri ? mongoc_client_new_from_uri_with_error(uri, &error) : NULL;
	bson_t ping = BSON_INITIALIZER, reply;
	BSON_APPEND_INT32(&ping, "ping", 1);
	int refused = client &&
		      !mongoc_client_command_simple(client, "admin", &ping, NULL, &reply, &error) &&
		      error.domain == MONGOC_ERROR_SERVER_SELECTION;
	report("libraries-mongoc", refused);
	bson_destroy(&ping);
	mongoc_client_destroy(client);
	mongoc_uri_destroy(uri);
	mongoc_cleanup();
}

/* HTTP and HTTPS, and no other protocol. */
static void transfers(void)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
	const char *const *protocols = info->protocols;
	CURL *curl = curl_easy_init();
	int refused = curl &&
		      curl_easy_setopt(curl, CURLOPT_URL, "https://127.0.0.1:1/") == CURLE_OK &&
		      curl_easy_perform(curl) == CURLE_COULDNT_CONNECT;
	report("libraries-curl", refused);
	report("libraries-curl-protocols", strcmp(protocols[0], "http") == 0 &&
						   strcmp(protocols[1], "https") == 0 &&
						   protocols[2] == NULL);
	curl_easy_cleanup(curl);
}

static void code(void)
{
	QRcode *qr = QRcode_encodeData(3, (const unsigned char *)"abc", 0, QR_ECLEVEL_M);
	report("libraries-qrencode", qr && qr->version == 1 && qr->width == 21);
	QRcode_free(qr);
}

/* The description of each terminal is in the program: no terminfo folder is opened. */
static void terminals(void)
{
	static const char *const names[] = {"xterm", "xterm-256color", "linux", "vt100", "vt220",
		"screen", "screen-256color", "tmux", "tmux-256color", "dumb"};
	int found = 0, code = 0;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		found += setupterm(names[i], STDOUT_FILENO, &code) == OK && code == 1;
		del_curterm(cur_term);
	}
	report("libraries-terminfo-builtin", found == sizeof names / sizeof *names);
	report("libraries-terminfo-unknown",
		setupterm("no-such-terminal", STDOUT_FILENO, &code) == ERR && code == 0);
}

static void screen(void)
{
	cchar_t cell;
	FILE *nowhere = fopen("/dev/null", "r+");
	setlocale(LC_CTYPE, "C.UTF-8");
	SCREEN *vt100 = newterm("vt100", nowhere, nowhere);
	int drawn = vt100 && setcchar(&cell, L"\u2500", A_BOLD, 0, NULL) == OK &&
		    mvadd_wch(0, 0, &cell) == OK && refresh() == OK;
	if (vt100) {
		endwin();
		delscreen(vt100);
	}
	fclose(nowhere);
	report("libraries-ncurses-wide", drawn);
}

int main(void)
{
	digest();
	archives();
	zstd_threads();
	public_key();
	text();
	driver();
	transfers();
	code();
	terminals();
	screen();
	return failures != 0;
}
