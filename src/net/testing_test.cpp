#include "net/testing.h"

#include "net/abortable.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "rt/sync.h"

namespace pintle::net::testing {

namespace {

std::string pem_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}
std::string pem(X509* cert) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, cert);
  return pem_of(bio);
}
std::string pem(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  return pem_of(bio);
}
void extend(X509* cert, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX ctx;
  X509V3_set_ctx(&ctx, issuer, cert, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &ctx, nid, value.c_str());
  CHECK(extension, "a certificate extension of a test");
  X509_add_ext(cert, extension, -1);
  X509_EXTENSION_free(extension);
}

KeyPair make(const KeyPair* ca, const std::string& common_name, const std::string& alt_names) {
  static long serial = 1;
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* cert = X509_new();
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
  ASN1_TIME_set_string(X509_getm_notBefore(cert), "19700101000000Z");
  ASN1_TIME_set_string(X509_getm_notAfter(cert), "21000101000000Z");
  X509_set_pubkey(cert, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  X509* issuer = cert;
  EVP_PKEY* signer = key;
  if (ca) {
    BIO* cert_bio = BIO_new_mem_buf(ca->cert_pem.data(), -1);
    BIO* key_bio = BIO_new_mem_buf(ca->key_pem.data(), -1);
    issuer = PEM_read_bio_X509(cert_bio, nullptr, nullptr, nullptr);
    signer = PEM_read_bio_PrivateKey(key_bio, nullptr, nullptr, nullptr);
    BIO_free(cert_bio);
    BIO_free(key_bio);
  }
  X509_set_issuer_name(cert, X509_get_subject_name(issuer));
  if (!ca) extend(cert, issuer, NID_basic_constraints, "critical,CA:TRUE");
  if (!alt_names.empty()) extend(cert, issuer, NID_subject_alt_name, alt_names);
  X509_sign(cert, signer, EVP_sha256());
  KeyPair made{pem(cert), pem(key)};
  if (ca) {
    X509_free(issuer);
    EVP_PKEY_free(signer);
  }
  X509_free(cert);
  EVP_PKEY_free(key);
  return made;
}

std::string describe(const Request& request) {
  return request.method + " " + request.path + "?" + request.query + " host=" + request.host + " v=" + std::to_string(request.http_major) +
         " peer=" + std::to_string(request.peer ? request.peer->verified_chain_der.size() : 0) + (request.peer_error.empty() ? "" : " bad peer") +
         (request.peer && !request.peer->front_proxy_der.empty() ? " proxy" : "") + " user=" + request.in_process_user;
}

rt::Task<void> shout(rt::Context ctx, std::unique_ptr<rt::Stream> stream) {
  std::string buffer(64, '\0');
  while (true) {
    auto n = co_await stream->read(ctx, buffer);
    if (!n || *n == 0) break;
    std::string loud = buffer.substr(0, *n);
    for (char& c : loud) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    auto sent = co_await stream->write(ctx, std::string_view(loud));
    if (!sent) break;
  }
}

}  // namespace

KeyPair make_ca(const std::string& name) { return make(nullptr, name, ""); }
KeyPair issue(const KeyPair& ca, const std::string& common_name, const std::string& alt_names) { return make(&ca, common_name, alt_names); }

rt::Task<void> Routes::answer(rt::Context ctx, Request& request, ResponseWriter& writer) {
  if (request.path == "/echo") {
    auto body = co_await read_all(ctx, *request.body, 8 << 20);
    if (!body) ++body_errors;
    Bytes answer = body ? *body : Bytes(body.error().message);
    const int status = body ? 200 : body.error().http();
    (void)co_await respond(writer, status, "application/octet-stream", answer);
  } else if (request.path.starts_with("/bytes/")) {
    const auto size = static_cast<std::size_t>(std::stoul(request.path.substr(7)));
    (void)co_await respond(writer, 200, "application/octet-stream", Bytes(std::string(size, 'x')));
  } else if (request.path == "/hang") {
    ++hanging;
    auto slept = co_await rt::sleep_for(ctx, std::chrono::hours(1));
    if (!slept) ++cancelled;
  } else if (request.path == "/stream") {
    for (const char* text : {"one ", "two ", "three"}) {
      std::vector<Bytes> data;
      data.push_back(Bytes::literal(text));
      (void)co_await writer.write(std::move(data));
      (void)co_await writer.flush();
      (void)co_await rt::sleep_for(ctx, std::chrono::milliseconds(5));
    }
  } else if (request.path == "/endless") {
    rt::Executor& executor = rt::Executor::current();
    const auto timer =
        executor.post_at(executor.runtime().clock().now() + std::chrono::milliseconds(200), [&writer] { dynamic_cast<Abortable&>(writer).abort(); });
    Result<Unit> written;
    while (written) {
      std::vector<Bytes> data;
      data.push_back(Bytes(std::string(64 << 10, 'x')));
      written = co_await writer.write(std::move(data));
    }
    executor.cancel_timer(timer);
    broken_off.set();
  } else if (request.path == "/upgrade") {
    writer.headers().add("Connection", "Upgrade");
    writer.headers().add("Upgrade", "shout");
    auto done = co_await writer.upgrade(shout);
    if (!done) (void)co_await respond(writer, done.error().http(), "text/plain", Bytes(done.error().message));
  } else if (request.path.starts_with("/sleep/")) {
    (void)co_await rt::sleep_for(ctx, std::chrono::seconds(std::stoi(request.path.substr(7))));
    (void)co_await respond(writer, 200, "text/plain", Bytes::literal("slept"));
  } else if (request.path == "/count") {
    std::size_t size = 0;
    while (true) {
      auto piece = co_await request.body->read(ctx);
      if (!piece) ++body_errors;
      if (!piece || piece->empty()) break;
      size += piece->size();
      counted += piece->size();
    }
    (void)co_await respond(writer, 200, "text/plain", Bytes(std::to_string(size)));
  } else if (request.path == "/silent") {
    // No answer at all: the server's 500.
  } else {
    (void)co_await respond(writer, 200, "text/plain", Bytes(describe(request)));
  }
}

TestServer::TestServer(ServerOptions options) : tls_(options.tls.has_value()) {
  if (options.listen.address.empty()) options.listen.address = "127.0.0.1";
  server_ = make_server(rt::Executor::current().runtime(), routes, std::move(options));
}
rt::Task<void> TestServer::start() {
  auto started = co_await server_->start();
  CHECK(started, started ? "" : started.error().message);
}
rt::Task<void> TestServer::stop(rt::Duration grace) { co_await server_->drain(grace); }
std::string TestServer::url(std::string_view path) const {
  return (tls_ ? "https://" : "http://") + rt::to_string(server_->local()) + std::string(path);
}

ServerTls write_server_tls(const std::string& directory, const KeyPair& ca, const KeyPair& server) {
  auto& disk = rt::Executor::current().runtime().disk();
  CHECK(disk.make_directories(directory), "the test's directory");
  CHECK(disk.write(directory + "/ca.crt", ca.cert_pem), "the CA's certificate");
  CHECK(disk.write(directory + "/server.crt", server.cert_pem), "the server's certificate");
  CHECK(disk.write(directory + "/server.key", server.key_pem), "the server's key");
  ServerTls tls;
  tls.cert_file = directory + "/server.crt";
  tls.key_file = directory + "/server.key";
  tls.client_ca_file = directory + "/ca.crt";
  return tls;
}

rt::Task<std::string> talk(rt::Endpoint to, std::string data, bool half_close) {
  const rt::Context ctx = rt::Context::background();
  auto stream = co_await rt::Executor::current().runtime().network().connect(ctx, std::move(to));
  CHECK(stream, stream ? "" : stream.error().message);
  (void)co_await (*stream)->write(ctx, std::string_view(data));
  if (half_close) (*stream)->shutdown_write();
  std::string out;
  std::string buffer(4096, '\0');
  while (true) {
    auto n = co_await (*stream)->read(ctx, buffer);
    if (!n || *n == 0) break;
    out.append(buffer.data(), *n);
  }
  co_return out;
}

rt::Task<std::string> fetch(Transport& transport, ClientRequest request) {
  const rt::Context ctx = rt::Context::background();
  auto response = co_await transport.send(ctx, std::move(request));
  if (!response) co_return "error: " + response.error().message;
  auto body = co_await read_all(ctx, *response->body, 64 << 20);
  if (!body) co_return "error: " + body.error().message;
  std::string out = std::to_string(response->status) + " ";
  out += body->view();
  co_return out;
}

}  // namespace pintle::net::testing
