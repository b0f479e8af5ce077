#include "cri/container_events.h"

#include <optional>

#include "api/gen/containerdevents_v1.h"
#include "cri/typed_call.h"

namespace pintle::cri {

namespace {

using namespace api::cri_v1;
namespace containerd = api::containerdevents_v1;

ContainerEvent::Kind kind_of(int32_t type) {
  switch (type) {
    case ContainerEventType::Created: return ContainerEvent::Kind::Created;
    case ContainerEventType::Started: return ContainerEvent::Kind::Started;
    case ContainerEventType::Stopped: return ContainerEvent::Kind::Stopped;
    default: return ContainerEvent::Kind::Deleted;
  }
}

rt::Task<Result<Unit>> follow_cri(net::grpc::Channel& channel, rt::Context ctx, ContainerEventHandlers handlers) {
  CO_TRY_ASSIGN(auto stream, co_await channel.server_stream(ctx, "/runtime.v1.RuntimeService/GetContainerEvents", encode(GetEventsRequest())));
  handlers.subscribed();
  while (true) {
    CO_TRY_ASSIGN(const auto message, co_await stream->next(ctx));
    if (!message) co_return error(Reason::ServiceUnavailable, "the runtime ended the event stream");
    CO_TRY_ASSIGN(const auto answer, decode<ContainerEventResponse>(*message));
    ContainerEvent event;
    event.kind = kind_of(answer.container_event_type);
    event.container_id = answer.container_id;
    if (answer.pod_sandbox_status && answer.pod_sandbox_status->metadata) event.pod_uid = answer.pod_sandbox_status->metadata->uid;
    handlers.event(event);
  }
}

// The end of a process that was executed in a container says nothing about the container.
std::optional<ContainerEvent> from_containerd(const containerd::Envelope& envelope) {
  if (!envelope.event) return std::nullopt;
  ContainerEvent event;
  event.may_lag = true;
  if (envelope.topic == "/tasks/start") {
    const auto start = decode<containerd::TaskStart>(envelope.event->value);
    if (!start) return std::nullopt;
    event.kind = ContainerEvent::Kind::Started;
    event.container_id = start->container_id;
    return event;
  }
  const auto exit = decode<containerd::TaskExit>(envelope.event->value);
  if (!exit || exit->id != exit->container_id) return std::nullopt;
  event.kind = ContainerEvent::Kind::Stopped;
  event.container_id = exit->container_id;
  return event;
}

rt::Task<Result<Unit>> follow_containerd(net::grpc::Channel& channel, rt::Context ctx, ContainerEventHandlers handlers) {
  containerd::SubscribeRequest request;
  request.filters = {R"(namespace=="k8s.io",topic=="/tasks/start")", R"(namespace=="k8s.io",topic=="/tasks/exit")"};
  CO_TRY_ASSIGN(auto stream, co_await channel.server_stream(ctx, "/containerd.services.events.v1.Events/Subscribe", encode(request)));
  handlers.subscribed();
  while (true) {
    CO_TRY_ASSIGN(const auto message, co_await stream->next(ctx));
    if (!message) co_return error(Reason::ServiceUnavailable, "containerd ended the event stream");
    CO_TRY_ASSIGN(const auto envelope, decode<containerd::Envelope>(*message));
    if (const auto event = from_containerd(envelope)) handlers.event(*event);
  }
}

}  // namespace

rt::Task<Result<Unit>> follow_container_events(RuntimeClient& client, rt::Context ctx, ContainerEventHandlers handlers) {
  auto followed = co_await follow_cri(client.channel(), ctx, handlers);
  if (followed || followed.error().reason != Reason::MethodNotAllowed) co_return std::move(followed);
  co_return co_await follow_containerd(client.channel(), ctx, handlers);
}

}  // namespace pintle::cri
