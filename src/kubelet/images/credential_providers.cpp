#include "kubelet/images/credential_providers.h"

#include <algorithm>

#include "api/codec.h"
#include "codec/json.h"
#include "component/certificate/keys.h"
#include "component/log.h"
#include "os/process.h"
#include "rt/far_time.h"

namespace pintle::kubelet::images {

namespace {

namespace log = component::log;
namespace metrics = component::metrics;
using api::credentialprovider_v1::CredentialProviderRequest;
using api::credentialprovider_v1::CredentialProviderResponse;

constexpr rt::Duration program_time_max = std::chrono::minutes(1);
constexpr std::size_t shown_bytes_max = 512;  // of what a program says when it fails
constexpr double seconds_bounds[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

// Parts of a key cannot be taken for one another.
void add_part(std::string& key, std::string_view part) { key.append(std::to_string(part.size())).append(":").append(part); }

std::string key_of(std::string_view base, std::string_view account) {
  std::string out;
  add_part(out, base);
  add_part(out, account);
  return out;
}

constexpr std::string_view everything = "<global>";  // no image and no registry

std::string_view registry_of(std::string_view image) { return image.substr(0, image.find('/')); }

}  // namespace

struct CredentialProviders::Asking {
  std::string image;
  std::optional<ImagePullServiceAccount> account;
  std::map<std::string, std::string> annotations;
  std::string account_key;  // what an answer about this account is kept under; "" without
  std::string token;
};

struct CredentialProviders::Provider {
  explicit Provider(const api::kubeletconfig_v1::CredentialProvider& s) : setup(s) {}
  struct Kept {
    Answer answer;
    rt::TimePoint until;
  };
  struct Question {
    rt::Event answered;
    Result<Answer> answer;
    bool given_up = false;  // by whoever asked it
  };
  const api::kubeletconfig_v1::CredentialProvider& setup;
  std::map<std::string, Kept> kept;
  std::map<std::string, std::shared_ptr<Question>> asked;
};

CredentialProviders::CredentialProviders(rt::Runtime& runtime, client::Client* client, CredentialConfiguration configuration)
    : runtime_(runtime),
      client_(client),
      configuration_(std::move(configuration)),
      errors_(registry_, {"kubelet_credential_provider_plugin_errors_total", "[ALPHA] Runs of a credential provider that failed", {"plugin_name"}}),
      seconds_(registry_, {"kubelet_credential_provider_plugin_duration", "[ALPHA] Seconds that a credential provider took", {"plugin_name"}},
               seconds_bounds) {
  for (const auto& setup : configuration_.providers) providers_.push_back(std::make_unique<Provider>(setup));
}

CredentialProviders::~CredentialProviders() = default;

rt::Task<std::vector<RegistryCredential>> CredentialProviders::credentials(rt::Context ctx, PodPtr pod, std::string image) {
  Answer all;
  for (const auto& provider : providers_) {
    if (!any_matches(provider->setup.match_images, image)) continue;
    auto some = co_await provide(ctx, provider.get(), pod, image);
    if (!some) {
      log::error("A credential provider gave no credentials", some.error(),
                 {{"provider", provider->setup.name}, {"image", image}, {"pod", pod->metadata.namespace_ + "/" + pod->metadata.name}});
      continue;
    }
    std::ranges::move(*some, std::back_inserter(all));
  }
  co_return all;
}

rt::Task<Result<bool>> CredentialProviders::find_account(rt::Context ctx, const Provider* provider, PodPtr pod, Asking* asking) {
  const auto& wants = provider->setup.token_attributes;
  if (!wants) co_return true;
  const std::string& name = pod->spec.service_account_name;
  if (name.empty() || client_ == nullptr) co_return !wants->require_service_account.value_or(true);
  auto account = co_await client_->get<api::core_v1::ServiceAccount>(std::move(ctx), pod->metadata.namespace_, name);
  if (!account) co_return error(account.error().reason, "failed to get service account: " + account.error().message);
  for (const std::string& key : wants->required_service_account_annotation_keys) {
    const std::string* value = account->metadata.annotations.get(key);
    if (value == nullptr) co_return false;
    asking->annotations[key] = *value;
  }
  for (const std::string& key : wants->optional_service_account_annotation_keys)
    if (const std::string* value = account->metadata.annotations.get(key)) asking->annotations[key] = *value;
  asking->account = {account->metadata.uid, account->metadata.namespace_, account->metadata.name};
  std::string& key = asking->account_key;
  for (const std::string* part : {&asking->account->namespace_, &asking->account->name, &asking->account->uid}) add_part(key, *part);
  for (const auto& [annotation, value] : asking->annotations) {
    add_part(key, annotation);
    add_part(key, value);
  }
  co_return true;
}

rt::Task<Result<std::string>> CredentialProviders::token(rt::Context ctx, const Provider* provider, PodPtr pod, const Asking* asking) {
  tokens::PodTokens& tokens = tokens_.try_emplace(pod->metadata.uid, runtime_, *client_).first->second;
  api::core_v1::ServiceAccountTokenProjection wanted;
  wanted.audience = provider->setup.token_attributes->service_account_token_audience;
  auto got = co_await tokens.get(std::move(ctx), *pod, wanted, asking->account->uid);
  if (!got) co_return error(got.error().reason, "failed to get service account token: " + got.error().message);
  co_return std::move(got);
}

rt::Task<Result<CredentialProviders::Answer>> CredentialProviders::provide(rt::Context ctx, Provider* provider, PodPtr pod, std::string image) {
  Asking asking;
  asking.image = std::move(image);
  CO_TRY_ASSIGN(const bool is_for_it, co_await find_account(ctx, provider, pod, &asking));
  if (!is_for_it) co_return Answer();
  // An answer that is the token's own is kept for the token; any other is kept for the account, and needs no token while it lasts.
  const bool by_token = asking.account && provider->setup.token_attributes->cache_type == "Token";
  if (by_token) {
    CO_TRY_ASSIGN(asking.token, co_await token(ctx, provider, pod, &asking));
    add_part(asking.account_key, component::sha256(asking.token));
  }
  if (const Answer* answer = kept(*provider, asking)) co_return *answer;
  if (asking.account && !by_token) {
    CO_TRY_ASSIGN(asking.token, co_await token(ctx, provider, pod, &asking));
  }
  std::string question = key_of(asking.image, asking.account_key);
  co_return co_await ask(ctx, provider, std::move(question), &asking);
}

const CredentialProviders::Answer* CredentialProviders::kept(Provider& provider, const Asking& asking) const {
  const auto now = runtime_.clock().now();
  for (const std::string_view base : {std::string_view(asking.image), registry_of(asking.image), everything}) {
    const auto found = provider.kept.find(key_of(base, asking.account_key));
    if (found == provider.kept.end()) continue;
    if (now < found->second.until) return &found->second.answer;
    provider.kept.erase(found);
  }
  return nullptr;
}

void CredentialProviders::keep(Provider& provider, std::string key, Answer answer, rt::Duration time) {
  const auto now = runtime_.clock().now();
  if (provider.kept.size() >= kept_answers_max) std::erase_if(provider.kept, [&](const auto& one) { return one.second.until <= now; });
  if (provider.kept.size() >= kept_answers_max)
    provider.kept.erase(std::ranges::min_element(provider.kept, {}, [](const auto& one) { return one.second.until; }));
  provider.kept.insert_or_assign(std::move(key), Provider::Kept{std::move(answer), rt::after(now, time)});
}

rt::Task<Result<CredentialProviders::Answer>> CredentialProviders::ask(rt::Context ctx, Provider* provider, std::string key, const Asking* asking) {
  while (true) {
    const auto under_way = provider->asked.find(key);
    if (under_way == provider->asked.end()) break;
    const auto question = under_way->second;
    CO_TRY(co_await question->answered.wait(ctx));
    if (!question->given_up) co_return question->answer;
  }
  const auto question = std::make_shared<Provider::Question>();
  provider->asked.emplace(key, question);
  auto response = co_await run(ctx, provider, asking);
  provider->asked.erase(key);
  question->given_up = ctx.done();
  if (!response) {
    question->answer = Unexpected(response.error());
  } else {
    Answer answer;
    for (auto& [pattern, auth] : response->auth) {
      answer.push_back(credential_for(pattern, std::move(auth.username), std::move(auth.password)));
      answer.back().source.service_account = asking->account;
    }
    const auto time = response->cache_duration ? *response->cache_duration : *provider->setup.default_cache_duration;
    const std::string_view base = response->cache_key_type == "Image"      ? std::string_view(asking->image)
                                  : response->cache_key_type == "Registry" ? registry_of(asking->image)
                                                                           : everything;
    if (time.nanos > 0) keep(*provider, key_of(base, asking->account_key), answer, rt::Duration(time.nanos));
    question->answer = std::move(answer);
  }
  question->answered.set();
  co_return question->answer;
}

rt::Task<Result<CredentialProviderResponse>> CredentialProviders::run(rt::Context ctx, Provider* provider, const Asking* asking) {
  const auto& setup = provider->setup;
  CredentialProviderRequest request;
  request.image = asking->image;
  request.service_account_token = asking->token;
  for (const auto& [key, value] : asking->annotations) request.service_account_annotations[key] = value;
  const std::string_view interface = setup.api_version;
  const auto slash = interface.find('/');
  const api::GroupVersionKind kind{interface.substr(0, slash), interface.substr(slash + 1), "CredentialProviderRequest"};
  std::string input;
  api::encode_json(api::type_of<CredentialProviderRequest>(), &request, input, &kind);
  os::ProcessSpec program;
  program.argv = {configuration_.bin_dir + "/" + setup.name};
  program.argv.insert(program.argv.end(), setup.args.begin(), setup.args.end());
  for (const auto& variable : setup.env) program.env.push_back(variable.name + "=" + variable.value);
  const auto began = runtime_.clock().now();
  auto output = co_await os::run_process(ctx.with_timeout(program_time_max), std::move(program), std::move(input));
  seconds_.with({setup.name}).observe(std::chrono::duration<double>(runtime_.clock().now() - began).count());
  if (!output || !output->exit.ok()) {
    errors_.with({setup.name}).add();
    if (!output) co_return error(output.error().reason, "the program did not run: " + output.error().message);
    co_return internal("the program failed: " + output->exit.text() + ": " + output->err.substr(0, shown_bytes_max));
  }
  // Nothing of what it answered is told: it has secrets in it.
  if (output->truncated) co_return internal("the program's answer is too long");
  const auto document = codec::parse_json(output->out);
  if (!document || !document->is_object()) co_return internal("the program's answer is no JSON object");
  if (document->string_at("apiVersion") != setup.api_version || document->string_at("kind") != "CredentialProviderResponse")
    co_return internal("the program's answer is no CredentialProviderResponse of " + setup.api_version);
  CredentialProviderResponse response;
  api::DecodeReport report;
  const auto decoded = api::decode_value(*document, api::type_of<CredentialProviderResponse>(), &response, api::Strictness::Collect, &report);
  if (!decoded || !report.problems.empty()) co_return internal("the program's answer is not understood");
  const std::string& holds_for = response.cache_key_type;
  if (holds_for != "Image" && holds_for != "Registry" && holds_for != "Global")
    co_return internal("the program's answer has a cacheKeyType that is none of Image, Registry, Global");
  if (response.cache_duration && response.cache_duration->nanos < 0) co_return internal("the program's answer has a negative cacheDuration");
  if (response.auth.size() > registry_credentials_max) co_return internal("the program's answer has too many credentials");
  // Kept for the account it would outlive the token.
  if (!asking->token.empty() && setup.token_attributes->cache_type != "Token")
    for (const auto& [pattern, auth] : response.auth)
      if (auth.password == asking->token) co_return internal("the program gave back the token as a password, for which cacheType must be Token");
  co_return std::move(response);
}

void CredentialProviders::write_metrics(std::string& out) const {
  if (providers_.empty()) return;
  out += registry_.write();
  const std::string_view labels[] = {"hash"};
  const std::string values[] = {configuration_.hash};
  metrics::write_head(out, "kubelet_credential_provider_config_info", "[ALPHA] The configuration of credential providers, by the hash of its files",
                      "gauge");
  metrics::write_sample(out, "kubelet_credential_provider_config_info", labels, values, 1);
}

}  // namespace pintle::kubelet::images
