#include "corpus.h"

#include <fstream>

namespace pintle::fuzz {
namespace {

constexpr char digits[] = "0123456789abcdef";

std::string escaped(const std::string& input) {
  std::string out;
  for (const char c : input) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\') {
      out += "\\\\";
    } else if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else {
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

int value_of(char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; }

std::string unescaped(const std::string& line) {
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\') {
      out += line[i];
    } else if (i + 3 < line.size() && line[i + 1] == 'x') {
      out += static_cast<char>(value_of(line[i + 2]) * 16 + value_of(line[i + 3]));
      i += 3;
    } else {
      out += '\\';
      ++i;
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> read_corpus(const std::string& path) {
  std::vector<std::string> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) out.push_back(unescaped(line));
  return out;
}

bool write_corpus(const std::string& path, const std::vector<std::string>& inputs) {
  std::ofstream file(path, std::ios::trunc);
  for (const std::string& input : inputs) file << escaped(input) << '\n';
  return file.good();
}

}  // namespace pintle::fuzz
