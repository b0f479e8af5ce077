// CredentialProviders: the operator's programs that know credentials for registries, as the cloud's registries want them. A program
// reads one request, answers once and ends; answers are kept for as long as they say, and one question is asked once however many wait for it.
// With tokenAttributes an answer is for pods of one service account. Belongs to one executor.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/gen/credentialprovider_v1.h"
#include "client/client.h"
#include "component/metrics.h"
#include "kubelet/images/credential_configuration.h"
#include "kubelet/images/credentials.h"
#include "kubelet/tokens/pod_tokens.h"
#include "kubelet/types/pod.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::kubelet::images {

constexpr std::size_t kept_answers_max = 1000;  // of one program; then the one that would end first goes

class CredentialProviders {
 public:
  // `client`: nullptr: no service accounts.
  CredentialProviders(rt::Runtime& runtime, client::Client* client, CredentialConfiguration configuration);
  ~CredentialProviders();
  CredentialProviders(const CredentialProviders&) = delete;
  CredentialProviders& operator=(const CredentialProviders&) = delete;

  // Of all programs that are asked about the image ("REGISTRY/REPOSITORY"), whatever they are for. A program that fails has none, and the log
  // says why, without what it answered.
  rt::Task<std::vector<RegistryCredential>> credentials(rt::Context ctx, PodPtr pod, std::string image);
  // The pod is gone.
  void forget(const std::string& pod_uid) { tokens_.erase(pod_uid); }
  void write_metrics(std::string& out) const;

 private:
  struct Provider;
  struct Asking;  // a question with whose it is
  using Answer = std::vector<RegistryCredential>;

  rt::Task<Result<Answer>> provide(rt::Context ctx, Provider* provider, PodPtr pod, std::string image);
  // Of the pod's service account, as the program wants it. False: the program is not for this pod.
  rt::Task<Result<bool>> find_account(rt::Context ctx, const Provider* provider, PodPtr pod, Asking* asking);
  rt::Task<Result<std::string>> token(rt::Context ctx, const Provider* provider, PodPtr pod, const Asking* asking);
  rt::Task<Result<Answer>> ask(rt::Context ctx, Provider* provider, std::string key, const Asking* asking);
  rt::Task<Result<api::credentialprovider_v1::CredentialProviderResponse>> run(rt::Context ctx, Provider* provider, const Asking* asking);
  const Answer* kept(Provider& provider, const Asking& asking) const;
  void keep(Provider& provider, std::string key, Answer answer, rt::Duration time);

  rt::Runtime& runtime_;
  client::Client* const client_;
  const CredentialConfiguration configuration_;
  component::metrics::Registry registry_;
  component::metrics::CounterVec errors_;
  component::metrics::HistogramVec seconds_;
  std::vector<std::unique_ptr<Provider>> providers_;
  std::map<std::string, tokens::PodTokens> tokens_;  // by pod uid
};

}  // namespace pintle::kubelet::images
