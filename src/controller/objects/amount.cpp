#include "controller/objects/amount.h"

#include <charconv>

namespace pintle::controller::objects {

Result<int32_t> scaled_amount(const api::IntOrString& amount, int32_t total, bool round_up) {
  if (!amount.is_string) return amount.int_value;
  const std::string& text = amount.string_value;
  int64_t percent = 0;
  const char* end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, percent);
  if (fault != std::errc() || stop + 1 != end || *stop != '%')
    return bad_request("invalid value for IntOrString: invalid type: string is not a percentage");
  const int64_t hundredfold = percent * total;
  const int64_t down = hundredfold / 100;
  return static_cast<int32_t>(round_up && hundredfold % 100 > 0 ? down + 1 : down);
}

}  // namespace pintle::controller::objects
