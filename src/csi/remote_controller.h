// The Controller service of a driver on another machine: each call is a POST of its request to `URL/CreateVolume` and so on, and its answer the
// body under status 200 with the header grpc-status: 0; else that header has gRPC's code, and the body says what went wrong. Another HTTP status
// comes from whoever stands before the driver: 404 is that it serves no such driver.
#pragma once

#include <string>
#include <string_view>

#include "csi/controller.h"
#include "net/http.h"

namespace pintle::csi {

constexpr std::size_t remote_request_bytes_max = 256 << 10;
inline constexpr std::string_view remote_status_header = "grpc-status";
inline constexpr std::string_view remote_content_type = "application/protobuf";

class RemoteController final : public Controller {
 public:
  // `transport` outlives it.
  RemoteController(net::Transport& transport, std::string url) : transport_(transport), url_(std::move(url)) {}

  // Errors besides the driver's: gRPC's Unimplemented for 404, Unavailable for any other answer that is none of a driver.
  Answer<api::csi_v1::CreateVolumeResponse> create(rt::Context ctx, api::csi_v1::CreateVolumeRequest request) override;
  Answer<Unit> remove(rt::Context ctx, api::csi_v1::DeleteVolumeRequest request) override;
  Answer<api::csi_v1::ControllerExpandVolumeResponse> controller_expand(rt::Context ctx, api::csi_v1::ControllerExpandVolumeRequest request) override;
  Answer<api::csi_v1::GetCapacityResponse> capacity(rt::Context ctx, api::csi_v1::GetCapacityRequest request) override;

 private:
  template <class Response, class Request>
  Answer<Response> ask(rt::Context ctx, std::string_view method, Request request);

  net::Transport& transport_;
  const std::string url_;
};

// The other end: carries a call out, and returns the answer's bytes. Unimplemented for a method that is not among the four, InvalidArgument for a
// request that cannot be read.
rt::Task<Result<std::string>> answer_controller_call(rt::Context ctx, Controller& driver, std::string method, std::string request);

}  // namespace pintle::csi
