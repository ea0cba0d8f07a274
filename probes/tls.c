#include "probes/tls.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct authorities {
	const char *file;
	const char *directory;
};

/* "5ed36f99.0": how OpenSSL names the certificates of a directory that it can search. */
static bool is_hash_name(const char *name)
{
	for (int i = 0; i < 8; i++) {
		if (!isxdigit((unsigned char)name[i]))
			return false;
	}
	return strcmp(name + 8, ".0") == 0;
}

static bool is_hashed(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	bool found = false;

	if (!directory)
		return false;
	while (!found && (entry = readdir(directory)))
		found = is_hash_name(entry->d_name);
	closedir(directory);
	return found;
}

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static struct authorities find_authorities(const struct plan_tls *tls)
{
	/* Debian, Alpine; Fedora, RHEL; SUSE */
	static const char *const directories[] = {"/etc/ssl/certs", "/etc/pki/tls/certs", "/var/lib/ca-certificates/openssl"};
	static const char *const files[] = {
	    "/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine, Arch, distroless */
	    "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, RHEL */
	    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	    "/etc/ssl/cert.pem",      /* Alpine, LibreSSL */
	    "/etc/ssl/ca-bundle.pem", /* SUSE */
	    "/usr/local/share/certs/ca-root-nss.crt",
	};
	struct authorities found = {.file = tls->ca};

	if (found.file)
		return found;
	found.file = environment("SSL_CERT_FILE");
	found.directory = environment("SSL_CERT_DIR");
	for (size_t i = 0; i < sizeof directories / sizeof directories[0] && !found.file && !found.directory; i++) {
		if (is_hashed(directories[i]))
			found.directory = directories[i];
	}
	for (size_t i = 0; i < sizeof files / sizeof files[0] && !found.file && !found.directory; i++) {
		if (access(files[i], R_OK) == 0)
			found.file = files[i];
	}
	return found;
}

bool tls_authorities(void)
{
	static const struct plan_tls nothing_said;
	struct authorities found = find_authorities(&nothing_said);

	if (found.file)
		return access(found.file, R_OK) == 0;
	return found.directory && access(found.directory, R_OK) == 0;
}

bool tls_setup(CURL *easy, const struct plan_tls *tls, struct check_result *result)
{
	struct authorities found = {NULL, NULL};
	int failed = 0;

	if (tls->verify) {
		found = find_authorities(tls);
		if (!found.file && !found.directory) {
			result_fail(result, FAILURE_TLS,
				    "tls: no CA certificates found: set tls.ca, SSL_CERT_FILE or SSL_CERT_DIR");
			return false;
		}
		if (found.file && access(found.file, R_OK) != 0) {
			result_fail(result, FAILURE_TLS, "tls: cannot read %s", tls->ca ? "tls.ca" : "SSL_CERT_FILE");
			return false;
		}
	}
	failed |= (int)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, tls->verify ? 1L : 0L);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, tls->verify ? 2L : 0L);
	/* may be NULL: a distribution's libcurl has its own defaults */
	failed |= (int)curl_easy_setopt(easy, CURLOPT_CAINFO, found.file);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_CAPATH, found.directory);
	if (tls->cert)
		failed |= (int)curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->cert);
	if (tls->key)
		failed |= (int)curl_easy_setopt(easy, CURLOPT_SSLKEY, tls->key);
	/* without one, OpenSSL asks the terminal for the password of an encrypted key */
	failed |= (int)curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");
	if (failed)
		result_error(result, "tls: libcurl rejected the settings");
	return !failed;
}

/* OpenSSL's X509_V_ERR_* that one meets. libcurl leaves 1 there (unspecified) when only the name is wrong. */
static const char *verify_reason(long code)
{
	switch (code) {
	case 0:
	case 1:
		return "certificate is not for this host name";
	case 9:
		return "certificate is not valid yet";
	case 10:
		return "certificate has expired";
	case 18:
	case 19:
		return "certificate is self-signed";
	case 2:
	case 20:
	case 21:
		return "certificate is from an unknown authority";
	default:
		return "certificate is not trusted";
	}
}

bool tls_failed(CURL *easy, CURLcode code, struct check_result *result)
{
	long verified = 0;

	switch ((int)code) {
	case CURLE_PEER_FAILED_VERIFICATION:
		curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verified);
		result_fail(result, FAILURE_TLS, "tls: %s", verify_reason(verified));
		return true;
	case CURLE_SSL_CACERT_BADFILE:
		result_fail(result, FAILURE_TLS, "tls: cannot read the CA certificates");
		return true;
	case CURLE_SSL_CERTPROBLEM:
		result_fail(result, FAILURE_TLS, "tls: cannot use the client certificate or its key");
		return true;
	case CURLE_SSL_CONNECT_ERROR:
		result_fail(result, FAILURE_TLS, "tls: handshake failed");
		return true;
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ENGINE_NOTFOUND:
	case CURLE_SSL_ENGINE_SETFAILED:
	case CURLE_SSL_ENGINE_INITFAILED:
	case CURLE_SSL_CRL_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_CLIENTCERT:
		result_fail(result, FAILURE_TLS, "tls: %s", curl_easy_strerror(code));
		return true;
	default:
		return false;
	}
}
