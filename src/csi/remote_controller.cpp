#include "csi/remote_controller.h"

#include "base/strings.h"
#include "net/grpc/code.h"
#include "rpc/typed_call.h"

namespace pintle::csi {

using namespace api::csi_v1;
using net::grpc::Code;
using net::grpc::to_status;

namespace {

template <class Request>
Result<Request> read_request(std::string_view bytes) {
  auto out = rpc::decode<Request>(bytes);
  if (!out) return Unexpected(to_status(Code::InvalidArgument, "the request cannot be read: " + out.error().message));
  return out;
}

template <class Request, class Response>
rt::Task<Result<std::string>> carry_out(rt::Context ctx, Controller& driver, std::string bytes,
                                        Controller::Answer<Response> (Controller::*call)(rt::Context, Request)) {
  CO_TRY_ASSIGN(Request request, read_request<Request>(bytes));
  CO_TRY_ASSIGN(const Response answer, co_await (driver.*call)(std::move(ctx), std::move(request)));
  if constexpr (std::is_same_v<Response, Unit>) {
    (void)answer;
    co_return std::string();
  } else {
    co_return rpc::encode(answer);
  }
}

Status not_of_a_driver(int status) {
  if (status == 404) return to_status(Code::Unimplemented, "the node serves no such driver");
  return to_status(Code::Unavailable, "the node answers with status " + std::to_string(status));
}

}  // namespace

template <class Response, class Request>
Controller::Answer<Response> RemoteController::ask(rt::Context parent, std::string_view method, Request request) {
  const rt::Context ctx = parent.with_timeout(call_timeout_default);
  net::ClientRequest sent;
  sent.method = "POST";
  sent.url = url_ + "/" + std::string(method);
  sent.headers.set("Content-Type", std::string(remote_content_type));
  sent.headers.set("User-Agent", "pintle");
  sent.body = Bytes(rpc::encode(request));
  auto response = co_await transport_.send(ctx, std::move(sent));
  if (!response) co_return Unexpected(to_status(Code::Unavailable, "the node cannot be reached: " + response.error().message));
  const std::string_view said = response->headers.get(remote_status_header);
  if (response->status != 200 || said.empty()) co_return Unexpected(not_of_a_driver(response->status));
  const Code code = net::grpc::parse_code(said);
  const std::size_t most = code == Code::Ok ? answer_bytes_max : error_bytes_max;
  auto body = co_await net::read_all(ctx, *response->body, most);
  if (!body) co_return Unexpected(to_status(Code::Unavailable, "the node's answer cannot be read: " + body.error().message));
  if (code != Code::Ok) co_return Unexpected(to_status(code, body->view()));
  if constexpr (std::is_same_v<Response, Unit>) {
    co_return Unit{};
  } else {
    auto answer = rpc::decode<Response>(body->view());
    if (!answer) co_return Unexpected(to_status(Code::DataLoss, "the driver's answer cannot be read: " + answer.error().message));
    co_return std::move(answer);
  }
}

Controller::Answer<CreateVolumeResponse> RemoteController::create(rt::Context ctx, CreateVolumeRequest request) {
  return ask<CreateVolumeResponse>(std::move(ctx), "CreateVolume", std::move(request));
}

Controller::Answer<Unit> RemoteController::remove(rt::Context ctx, DeleteVolumeRequest request) {
  return ask<Unit>(std::move(ctx), "DeleteVolume", std::move(request));
}

Controller::Answer<ControllerExpandVolumeResponse> RemoteController::controller_expand(rt::Context ctx, ControllerExpandVolumeRequest request) {
  return ask<ControllerExpandVolumeResponse>(std::move(ctx), "ControllerExpandVolume", std::move(request));
}

Controller::Answer<GetCapacityResponse> RemoteController::capacity(rt::Context ctx, GetCapacityRequest request) {
  return ask<GetCapacityResponse>(std::move(ctx), "GetCapacity", std::move(request));
}

rt::Task<Result<std::string>> answer_controller_call(rt::Context ctx, Controller& driver, std::string method, std::string request) {
  if (method == "CreateVolume") co_return co_await carry_out(std::move(ctx), driver, std::move(request), &Controller::create);
  if (method == "DeleteVolume") co_return co_await carry_out(std::move(ctx), driver, std::move(request), &Controller::remove);
  if (method == "ControllerExpandVolume") co_return co_await carry_out(std::move(ctx), driver, std::move(request), &Controller::controller_expand);
  if (method == "GetCapacity") co_return co_await carry_out(std::move(ctx), driver, std::move(request), &Controller::capacity);
  co_return Unexpected(to_status(Code::Unimplemented, "unknown method " + method.substr(0, 64)));
}

}  // namespace pintle::csi
