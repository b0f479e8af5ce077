#include "scheduler/framework/node_verdicts.h"

#include <algorithm>

namespace pintle::scheduler {

NodeVerdicts::Id NodeVerdicts::find(Code code, int plugin, const Reasons& reasons) {
  if (code == Code::Success) return fits;
  for (std::size_t i = fits + 1; i < verdicts_.size(); ++i) {
    const Verdict& known = verdicts_[i];
    if (known.code == code && known.plugin == plugin && std::ranges::equal(known.reasons, reasons)) return static_cast<Id>(i);
  }
  if (full()) return unknown;
  Verdict& made = verdicts_.emplace_back();
  made.code = code;
  made.plugin = plugin;
  made.texts.assign(reasons.begin(), reasons.end());
  for (const std::string& text : made.texts) made.reasons.add(text);
  return static_cast<Id>(verdicts_.size() - 1);
}

}  // namespace pintle::scheduler
