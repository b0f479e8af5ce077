#include "os/nft.h"

#include <nftables/libnftables.h>

#include "base/mutex.h"

namespace pintle::os {
namespace {

constexpr std::size_t message_bytes_max = 2048;  // a failed transaction quotes the commands at fault

struct FreeContext {
  void operator()(nft_ctx* context) const { nft_ctx_free(context); }
};

class LibNft : public Nft {
 public:
  Result<Unit> run(const std::string& commands) override {
    std::string output;
    return call(commands, 0, output);
  }

  Result<std::string> list_table(const std::string& table) override {
    std::string output;
    auto tables = call("list tables " + table.substr(0, table.find(' ')), 0, output);
    if (!tables) return Unexpected(std::move(tables).error());
    if (output.find("table " + table + "\n") == std::string::npos) return std::string();
    output.clear();
    auto listed = call("list table " + table, NFT_CTX_OUTPUT_TERSE, output);
    if (!listed) return Unexpected(std::move(listed).error());
    return output;
  }

 private:
  // A context of its own for each call, so that nothing of the library's cache stays between them.
  Result<Unit> call(const std::string& commands, unsigned flags, std::string& output) {
    ThreadLock lock(mutex_);
    const std::unique_ptr<nft_ctx, FreeContext> context(nft_ctx_new(NFT_CTX_DEFAULT));
    if (!context) return error(Reason::ServiceUnavailable, "nftables: cannot open the kernel's interface");
    nft_ctx_output_set_flags(context.get(), flags);
    nft_ctx_buffer_output(context.get());
    nft_ctx_buffer_error(context.get());
    const int failed = nft_run_cmd_from_buffer(context.get(), commands.c_str());
    output = nft_ctx_get_output_buffer(context.get());
    if (!failed) return Unit{};
    std::string message = nft_ctx_get_error_buffer(context.get());
    if (message.size() > message_bytes_max) message.resize(message_bytes_max);
    while (!message.empty() && message.back() == '\n') message.pop_back();
    return error(Reason::ServiceUnavailable, "nftables: " + (message.empty() ? std::string("transaction failed") : message));
  }

  ThreadMutex mutex_;  // the library keeps state of its parser for the whole process
};

}  // namespace

std::unique_ptr<Nft> make_nft() { return std::make_unique<LibNft>(); }

}  // namespace pintle::os
