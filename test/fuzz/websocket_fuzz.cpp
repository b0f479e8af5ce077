// WebSocket frame heads and close payloads: no crash, and what is accepted is the one way to write it.
#include "base/check.h"
#include "driver.h"
#include "net/websocket_frame.h"

namespace pintle::fuzz {

void one(std::string_view input) {
  for (bool masked : {false, true}) {
    const auto head = net::parse_ws_head(input, masked);
    if (!head || !*head) continue;
    CHECK((*head)->head_bytes <= input.size(), "a head lies within its input");
    CHECK(net::format_ws_head(**head) == input.substr(0, (*head)->head_bytes), "a head has one form");
    std::string payload(input.substr((*head)->head_bytes));
    if ((*head)->mask) {
      const std::string before = payload;
      net::apply_ws_mask(payload, *(*head)->mask);
      net::apply_ws_mask(payload, *(*head)->mask);
      CHECK(payload == before, "masking twice is nothing");
    }
  }
  const auto close = net::parse_ws_close(input);
  if (close && input.size() <= net::ws_control_bytes_max) CHECK(net::format_ws_close(*close) == input, "a close payload has one form");
  (void)net::is_utf8(input);
}

std::vector<std::string> seeds() {
  using namespace std::string_literals;
  return {"\x81\x05hello"s,
          "\x82\x83wxyzabc"s,
          "\x82\x7e\x01\x00"s,
          "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s,
          "\x03\xe8"
          "bye"s,
          "\xf0\x9f\x98\x80"s};
}
std::vector<std::string> tokens() { return {"\x7e", "\x7f", "\xfe", "\xff", std::string(4, '\0'), "\x03\xe8"}; }

}  // namespace pintle::fuzz
