#include "os/program.h"

namespace pintle::os {

rt::Task<Result<ProcessOutput>> run_program(rt::Context ctx, std::vector<std::string> argv, rt::Duration limit) {
  ProcessSpec spec;
  const std::string program = argv.front();
  spec.argv = std::move(argv);
  spec.env = {"LC_ALL=C"};
  const rt::Context bounded = ctx.with_timeout(limit);
  auto output = co_await run_process(bounded, std::move(spec));
  if (output || ctx.done() || !bounded.done()) co_return output;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit).count();
  co_return error(Reason::Timeout, program + " did not end within " + std::to_string(seconds) + "s");
}

std::string shown_output(const ProcessOutput& output) {
  std::string out;
  for (const std::string* part : {&output.out, &output.err}) {
    for (const char c : *part) {
      if (out.size() == shown_output_bytes_max) return out + "...";
      if (c == '\n' || c == '\r' || c == '\t') {
        if (!out.empty() && out.back() != ' ') out += ' ';
      } else if (c >= ' ' && c < 127) {
        out += c;
      }
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace pintle::os
