// Asks upstream: reads one case a line as JSON, writes what Kubernetes 1.36 makes of it, a line each. Tables of facts are written with it.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/library"
)

type question struct {
	Expr string         `json:"expr"`
	Self any            `json:"self,omitempty"`
	Size map[string]int `json:"-"`
}

type answer struct {
	Expr  string  `json:"expr"`
	Error string  `json:"error,omitempty"` // of compiling
	Type  string  `json:"type,omitempty"`
	Min   uint64  `json:"min"`
	Max   float64 `json:"max"`
	Value string  `json:"value,omitempty"`
	Fails string  `json:"fails,omitempty"` // of evaluating
	Cost  uint64  `json:"cost"`
}

func main() {
	base := environment.MustBaseEnvSet(version.MajorMinor(1, 36)).StoredExpressionsEnv()
	env, err := base.Extend(
		cel.Variable("self", cel.DynType),
		cel.Variable("i", cel.IntType),
		cel.Variable("s", cel.StringType),
		cel.Variable("ints", cel.ListType(cel.IntType)),
		cel.Variable("strings", cel.ListType(cel.StringType)),
		cel.Variable("names", cel.MapType(cel.StringType, cel.StringType)),
		ext.Bindings(ext.BindingsVersion(0)))
	if err != nil {
		panic(err)
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 1<<20)
	for in.Scan() {
		q := question{}
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			panic(err)
		}
		line, _ := json.Marshal(ask(env, q))
		fmt.Println(string(line))
	}
}

type unsized struct{}

func (unsized) EstimateSize(checker.AstNode) *checker.SizeEstimate { return nil }
func (unsized) EstimateCallCost(string, string, *checker.AstNode, []checker.AstNode) *checker.CallEstimate {
	return nil
}

func ask(env *cel.Env, q question) answer {
	a := answer{Expr: q.Expr}
	ast, issues := env.Compile(q.Expr)
	if issues.Err() != nil {
		a.Error = issues.Err().Error()
		return a
	}
	a.Type = ast.OutputType().String()
	estimate, err := env.EstimateCost(ast, &library.CostEstimator{SizeEstimator: unsized{}})
	if err != nil {
		panic(err)
	}
	a.Min, a.Max = estimate.Min, float64(estimate.Max)
	if estimate.Max == math.MaxUint64 {
		a.Max = -1
	}
	program, err := env.Program(ast)
	if err != nil {
		a.Error = err.Error()
		return a
	}
	out, details, err := program.Eval(map[string]any{
		"self": q.Self, "i": 5, "s": "text", "ints": []int64{1, 2, 3}, "strings": []string{"a", "bc", "def"},
		"names": map[string]string{"a": "x"},
	})
	if details != nil && details.ActualCost() != nil {
		a.Cost = *details.ActualCost()
	}
	if err != nil {
		a.Fails = err.Error()
		return a
	}
	a.Value = shown(out)
	return a
}

// Only of plain values, whose text is the same everywhere.
func shown(v ref.Val) string {
	switch v.Type() {
	case types.BoolType, types.IntType, types.UintType, types.StringType, types.TimestampType, types.DurationType:
		return fmt.Sprint(v.ConvertToType(types.StringType).Value())
	}
	return ""
}
