// SPDY frames and header blocks: no crash, bounded memory, and what is accepted is written the same way again.
#include "base/check.h"
#include "driver.h"
#include "net/spdy_frame.h"
#include "net/spdy_headers.h"

namespace pintle::fuzz {

void one(std::string_view input) {
  if (input.size() >= net::spdy_head_bytes) {
    const auto head = net::parse_spdy_head(input);
    if (head) CHECK(net::format_spdy_head(*head) == input.substr(0, net::spdy_head_bytes), "a head has one form");
  }
  const auto block = net::parse_spdy_block(input);
  if (block) CHECK(net::format_spdy_block(*block) == input, "a block has one form");
  net::SpdyInflater inflater;
  const auto expanded = inflater.expand(input);
  if (!expanded) return;
  net::SpdyDeflater deflater;
  net::SpdyInflater again;
  const auto kept = again.expand(deflater.compress(*expanded));
  CHECK(kept && *kept == *expanded, "compression keeps the headers");
}

std::vector<std::string> seeds() {
  net::SpdyDeflater deflater;
  return {net::spdy_ping(1), net::spdy_rst_stream(3, net::SpdyReset::Cancel), net::format_spdy_block({{"streamtype", "stdin"}, {"port", "80"}}),
          deflater.compress({{"streamtype", "error"}}), net::SpdyDeflater().compress({{"streamtype", "data"}, {"requestid", "0"}})};
}
std::vector<std::string> tokens() { return {std::string(4, '\0'), std::string("\0\0\0\1", 4), "\x80\x03", "\x78\xbb", "streamtype"}; }

}  // namespace pintle::fuzz
