#include "apiserver/admission/sequence.h"

namespace pintle::apiserver::admission {

rt::Task<Result<Unit>> AdmissionSequence::admit(rt::Context ctx, AdmissionAttributes& attributes) const {
  Reinvocation rounds;
  attributes.reinvocation = &rounds;
  auto answer = co_await admit_once(ctx, attributes);
  if (answer && rounds.wanted) {
    rounds.again = true;
    answer = co_await admit_once(ctx, attributes);
  }
  attributes.reinvocation = nullptr;
  co_return answer;
}

rt::Task<Result<Unit>> AdmissionSequence::admit_once(rt::Context ctx, AdmissionAttributes& attributes) const {
  for (const auto& plugin : plugins_) {
    if (!plugin->handles(attributes.operation)) continue;
    auto answer = plugin->admit_now(attributes);
    if (!answer) answer = co_await plugin->admit(ctx, attributes);
    if (!*answer) co_return std::move(*answer);
  }
  co_return Unit{};
}

rt::Task<Result<Unit>> AdmissionSequence::validate(rt::Context ctx, const AdmissionAttributes& attributes) const {
  for (const auto& plugin : plugins_) {
    if (!plugin->handles(attributes.operation)) continue;
    auto answer = plugin->validate_now(attributes);
    if (!answer) answer = co_await plugin->validate(ctx, attributes);
    if (!*answer) co_return std::move(*answer);
  }
  co_return Unit{};
}

std::vector<std::string_view> AdmissionSequence::names() const {
  std::vector<std::string_view> out;
  for (const auto& plugin : plugins_) out.push_back(plugin->name());
  return out;
}

}  // namespace pintle::apiserver::admission
