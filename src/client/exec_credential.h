// Exec plugins: a program of the user's that prints a token. Internal to the client.
#pragma once

#include <functional>
#include <string>

#include "api/gen/kubeconfig_v1.h"
#include "base/status.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::client {

// What the program is asked: the ExecCredential in KUBERNETES_EXEC_INFO.
std::string exec_question(const api::kubeconfig_v1::ExecConfig& config, const api::kubeconfig_v1::Cluster& cluster);
struct ExecAnswer {
  std::string token;
  int64_t expires_unix_seconds = 0;  // 0: never
};
// Reads what the program has printed. Unauthorized names what is wrong with it.
Result<ExecAnswer> parse_exec_answer(const api::kubeconfig_v1::ExecConfig& config, std::string_view output);

// Runs the program when there is no token, or the one there is has expired. Thread-safe. A relative command with a slash is
// looked up beside the kubeconfig, in `directory`.
std::function<rt::Task<Result<std::string>>(rt::Context)> exec_token_source(api::kubeconfig_v1::ExecConfig config,
                                                                            api::kubeconfig_v1::Cluster cluster, std::string directory);

}  // namespace pintle::client
