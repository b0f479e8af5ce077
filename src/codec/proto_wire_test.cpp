#include "codec/proto_wire.h"

#include <gtest/gtest.h>

#include "codec/base64.h"

namespace pintle::codec {
namespace {

void check_varint(uint64_t value, std::size_t size) {
  std::string bytes;
  append_varint(value, bytes);
  EXPECT_EQ(bytes.size(), size);
  EXPECT_EQ(varint_size(value), size);
  ProtoReader reader(bytes);
  uint64_t back = 0;
  ASSERT_TRUE(reader.varint(back));
  EXPECT_EQ(back, value);
  EXPECT_TRUE(reader.at_end());
  ProtoWriter writer;
  writer.varint(value);
  EXPECT_EQ(writer.view(), bytes);
}

TEST(ProtoWire, Varints) {
  check_varint(0, 1);
  check_varint(127, 1);
  check_varint(128, 2);
  check_varint(300, 2);
  check_varint(UINT64_MAX, 10);
}

TEST(ProtoWire, RefusesBadInput) {
  uint64_t value = 0;
  std::string_view view;
  uint32_t number = 0;
  WireType type{};
  EXPECT_FALSE(ProtoReader("").varint(value));
  EXPECT_FALSE(ProtoReader("\x80").varint(value));
  EXPECT_FALSE(ProtoReader(std::string(11, '\x80')).varint(value));
  EXPECT_FALSE(ProtoReader("\x05"
                           "abc")
                   .bytes(view));
  EXPECT_FALSE(ProtoReader(std::string("\x00", 1)).tag(number, type));  // field 0
  EXPECT_FALSE(ProtoReader("\x0E").tag(number, type));                  // wire type 6
  EXPECT_TRUE(ProtoReader("\x0C").skip(1, WireType::StartGroup));
  EXPECT_FALSE(ProtoReader("").skip(1, WireType::StartGroup));      // wants an end
  EXPECT_FALSE(ProtoReader("\x14").skip(1, WireType::StartGroup));  // another group's end
  EXPECT_FALSE(ProtoReader(std::string(200, '\x0B')).skip(1, WireType::StartGroup));
}

TEST(ProtoWire, WriterGrowsAtTheFront) {
  ProtoWriter writer;
  std::string want;
  for (int i = 0; i < 2000; ++i) {
    const std::string text = "item " + std::to_string(i);
    writer.bytes_field(7, text);
    std::string field;
    append_bytes_field(7, text, field);
    want.insert(0, field);
  }
  EXPECT_EQ(writer.view(), want);
}

void check_base64(std::string_view bytes, std::string_view text) {
  EXPECT_EQ(base64(bytes), text);
  EXPECT_EQ(decode_base64(text), bytes);
}

TEST(Base64, Rfc4648) {
  check_base64("", "");
  check_base64("f", "Zg==");
  check_base64("fo", "Zm8=");
  check_base64("foo", "Zm9v");
  check_base64("foobar", "Zm9vYmFy");
  check_base64("\xFB\xFF", "+/8=");
  EXPECT_EQ(base64_url("\xFB\xFF"), "-_8");
  EXPECT_EQ(decode_base64_url("-_8"), "\xFB\xFF");
  EXPECT_EQ(decode_base64("Zm9v\r\nYmFy\n"), "foobar");
  for (std::string_view bad : {"Z", "Zg", "Zg=", "Zg===", "Z=g=", "=", "Zm9v=", "Zg==Zg==", "Zm9 ", "-_8="}) EXPECT_FALSE(decode_base64(bad)) << bad;
  for (std::string_view bad : {"Z", "Zg==", "+/8"}) EXPECT_FALSE(decode_base64_url(bad)) << bad;
}

}  // namespace
}  // namespace pintle::codec
