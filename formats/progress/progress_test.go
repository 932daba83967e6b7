package progress

import "testing"

func TestFuncsMayBeNil(t *testing.T) {
	Func(nil).Report(Report{Done: 1})
	Func(nil).Named("step").Report(Report{Done: 1})
}

func TestStepsAreNamed(t *testing.T) {
	var got Report
	Func(func(r Report) { got = r }).Named("writing").Report(Report{Note: "x", Done: 1, Total: 2, Bytes: true})
	if want := (Report{"writing", "x", 1, 2, true, ""}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
