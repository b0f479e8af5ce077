// ClusterAccess: the API server as the kubelet's parts reach it: its client, events, informers, the objects that pods refer to, and the
// certificate that the client shows. Without an API server there is nothing of it, and events go nowhere.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "client/client.h"
#include "client/event_recorder.h"
#include "client/informers.h"
#include "kubelet/certificates/certificate_manager.h"
#include "kubelet/referenced_objects/referenced_objects.h"
#include "kubelet/types/pod_events.h"

namespace pintle::kubelet {

struct ClusterAccess {
  // `client` nullptr: no API server.
  ClusterAccess(client::Client* client, std::string node_name);
  // Renews the client's certificate from now on, below `certificates_dir`.
  void renew_certificate(rt::Runtime& runtime, std::string certificates_dir);
  rt::Task<void> stop();

  // Events about the node.
  void tell_of_node(std::string_view reason, std::string message);
  void warn_of_node(std::string_view reason, std::string message);
  // Every Service that is known; nullopt before the first list.
  std::optional<std::vector<std::shared_ptr<const api::core_v1::Service>>> services() const;
  // The runtime's handler of a RuntimeClass; "" for none.
  rt::Task<Result<std::string>> runtime_handler(rt::Context ctx, std::string runtime_class);

  client::Client* const client;
  const std::string node_name;
  const std::unique_ptr<client::EventRecorder> recorder;
  PodEvents events;
  const std::unique_ptr<client::Informers> informers;
  const std::unique_ptr<referenced_objects::ReferencedObjects> objects;

 private:
  std::optional<client::Informer<api::core_v1::Service>> services_;
  std::unique_ptr<certificates::CertificateManager> certificate_;
};

}  // namespace pintle::kubelet
