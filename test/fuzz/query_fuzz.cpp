// What a request says before its body: method and path, query, options, Accept, the token of the next page, log options.
#include "apimachinery/pod_logs/log_options.h"
#include "apiserver/exchange/negotiation.h"
#include "apiserver/registry/continue_token.h"
#include "apiserver/types/request_info.h"
#include "apiserver/types/request_parameters.h"
#include "base/check.h"
#include "driver.h"

namespace pintle::fuzz {
namespace {

using namespace apiserver;

void check_request(std::string_view input) {
  const std::size_t question = std::min(input.find('?'), input.size());
  const std::string_view path = input.substr(0, question), parameters = input.substr(std::min(question + 1, input.size()));
  const Query query = Query::parse(parameters);
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"}) {
    const auto info = parse_request_info(method, path, query);
    CHECK(!info || info->is_resource || !info->verb.empty(), "what is no resource has its method for a verb");
  }
}

void check_options(std::string_view input) {
  const Query query = Query::parse(input);
  for (const bool watch : {false, true})
    if (const auto list = parse_list_parameters(query, watch)) CHECK(list->limit >= 0, "a limit is none or positive");
  for (const WriteKind kind : {WriteKind::Create, WriteKind::Update, WriteKind::Patch, WriteKind::ApplyPatch})
    (void)parse_write_parameters(query, kind);
  (void)parse_resource_version(input);
  if (const auto options = apimachinery::parse_log_options(net::parse_query(input))) {
    (void)apimachinery::validate_log_options(*options);
    const auto again = apimachinery::parse_log_options(apimachinery::log_options_query(*options));
    CHECK(again.has_value(), "log options read back");
  }
}

void check_negotiation(std::string_view input) {
  exchange::Offer offer;
  offer.table = offer.partial = offer.discovery = true;
  (void)exchange::negotiate(input, offer);
  (void)exchange::body_media(input);
}

}  // namespace

void one(std::string_view input) {
  check_request(input);
  check_options(input);
  check_negotiation(input);
  if (const auto token = registry::decode_continue(input)) {
    const auto again = registry::decode_continue(registry::encode_continue(*token));
    CHECK(again && again->revision == token->revision && again->start == token->start, "a continue token reads back");
  }
}

std::vector<std::string> seeds() {
  return {"/api/v1/namespaces/a/pods/b/log?container=c&follow=1&tailLines=5&sinceTime=2026-01-02T03:04:05Z&limitBytes=9&stream=Stdout",
          "/apis/apps/v1/watch/namespaces/a/deployments/b?watch=1",
          "/api/v1/proxy/nodes/n:10250/%2e%2e/x",
          "/api/v1/namespaces/a/finalize",
          "/apis//v1/pods",
          "labelSelector=a%3Db&fieldSelector=metadata.name%3Dx&limit=5&continue=x&resourceVersion=7&resourceVersionMatch=Exact&timeoutSeconds=9&"
          "sendInitialEvents=true",
          "dryRun=All&fieldManager=m&fieldValidation=Strict&force=true",
          "application/json;as=Table;v=v1;g=meta.k8s.io;q=0.5, application/vnd.kubernetes.protobuf;stream=watch,*/*",
          registry::encode_continue({7, std::string("default/web-1\0", 14)})};
}
std::vector<std::string> tokens() {
  return {"/",
          "//",
          "/watch/",
          "/namespaces/",
          "/api/v1/",
          "/apis/",
          "%2F",
          "%2e%2e",
          "%00",
          "%",
          "&",
          "=",
          ";",
          "+",
          "?",
          "watch=true",
          "limit=",
          "-1",
          "9223372036854775808",
          "dryRun=All",
          ",",
          ";q=0",
          "*/*",
          "application/yaml",
          "tailLines=",
          "sinceSeconds="};
}

}  // namespace pintle::fuzz
