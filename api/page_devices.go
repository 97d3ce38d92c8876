package api

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/register"
	"github.com/vouchledger/vouch/api/web"
	"github.com/vouchledger/vouch/ledger"
)

// devicesPage shows the operator how the shops' devices do.
func (a *API) devicesPage(c echo.Context) error {
	if err := a.fresh(c, a.s.Register.WaitFor); err != nil {
		return err
	}
	v := web.DevicesPage{Frame: frame(c, "Devices", "devices")}
	for _, d := range a.deviceViews("") {
		v.Items = append(v.Items, a.deviceItem(d))
	}
	return a.render(c, http.StatusOK, "devices", v)
}

func (a *API) deviceItem(d deviceView) web.DeviceItem {
	var seller ledger.Seller
	a.s.Register.View(func(r *register.Register) { seller = r.Seller(d.Store) })
	zone := zoneOf(seller.Timezone)
	it := web.DeviceItem{
		Shop: string(d.Store), Device: string(d.Device), Program: d.Program, Status: web.Chip{Text: "Well", Tone: "good"},
		Settings: "It follows its own file.",
	}
	switch {
	case d.Silent:
		it.Status = web.Chip{Text: "Silent", Tone: "bad"}
	case d.Trouble:
		it.Status = web.Chip{Text: "Trouble", Tone: "bad"}
	case d.Reported == nil:
		it.Status = web.Chip{Text: "Not yet there", Tone: "wait"}
	}
	if d.Heard != nil {
		it.Heard = "Last heard of " + d.Heard.In(zone).Format("2 January, 15:04:05") + "."
	}
	if d.Running > 0 {
		it.Settings = fmt.Sprintf("It follows settings no. %d.", d.Running)
	}
	if d.Configured > max(d.Running, d.Refused) {
		it.Settings += fmt.Sprintf(" No. %d waits for it.", d.Configured)
	}
	if d.Refused > 0 {
		it.Refused = fmt.Sprintf("It refuses settings no. %d: %s", d.Refused, d.Reason)
	}
	if off := time.Duration(d.Offset) * time.Millisecond; off.Abs() >= time.Second {
		it.Clock = "Its clock is off by " + off.Abs().String() + "; what it says is placed on ours."
	}
	for _, p := range d.Parts {
		it.Parts = append(it.Parts, web.DevicePart{
			Part: p.Part, Since: p.Since.In(zone).Format("2 January, 15:04:05"), Detail: p.Detail, State: stateChip(p.State),
		})
	}
	return it
}

func stateChip(s ledger.DeviceState) web.Chip {
	text := strings.ReplaceAll(string(s), "_", " ")
	c := web.Chip{Text: strings.ToUpper(text[:1]) + text[1:], Tone: "good"}
	switch {
	case s.Trouble():
		c.Tone = "bad"
	case s != ledger.DeviceWell:
		c.Tone = "wait"
	}
	return c
}
