// Prints the conformance cases of cel-spec as JSON: a list of files, each as protobuf's JSON has it.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"

	_ "cel.dev/expr/conformance/proto2"
	_ "cel.dev/expr/conformance/proto3"
	"cel.dev/expr/conformance/test"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/prototext"
)

func main() {
	paths, err := filepath.Glob(filepath.Join(os.Args[1], "tests/simple/testdata/*.textproto"))
	if err != nil || len(paths) == 0 {
		fmt.Fprintln(os.Stderr, "no cases in", os.Args[1])
		os.Exit(1)
	}
	sort.Strings(paths)
	for i, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		file := &test.SimpleTestFile{}
		if err := prototext.Unmarshal(text, file); err != nil {
			panic(fmt.Errorf("%s: %w", path, err))
		}
		json, err := protojson.Marshal(file)
		if err != nil {
			panic(fmt.Errorf("%s: %w", path, err))
		}
		fmt.Print(map[bool]string{true: "[", false: ",\n"}[i == 0])
		os.Stdout.Write(json)
	}
	fmt.Println("]")
}
