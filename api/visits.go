package api

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

type visitRow struct {
	Visit     ledger.VisitID           `json:"visit"`
	Store     ledger.StoreID           `json:"store"`
	Shopper   ledger.ShopperID         `json:"shopper"`
	Status    string                   `json:"status"`
	Presented time.Time                `json:"presented_at,omitzero"`
	Entered   time.Time                `json:"entered_at,omitzero"`
	Exited    time.Time                `json:"exited_at,omitzero"`
	Refused   ledger.RefusalReason     `json:"refused,omitempty"`
	Receipt   string                   `json:"receipt,omitempty"`
	Gross     money.Money              `json:"gross,omitzero"`
	Captured  money.Money              `json:"captured,omitzero"`
	Refunded  money.Money              `json:"refunded,omitzero"`
	Owed      money.Money              `json:"owed,omitzero"`
	Questions int                      `json:"open_questions"`
	Dispute   projections.DisputeState `json:"dispute,omitempty"`
}

func viewRow(r projections.VisitRow) visitRow {
	return visitRow{
		Visit: r.Visit, Store: r.Store, Shopper: r.Shopper, Status: statusOf(r.Status), Presented: r.PresentedAt,
		Entered: r.EnteredAt, Exited: r.ExitedAt, Refused: r.Refusal, Receipt: r.Receipt, Gross: r.Gross,
		Captured: r.Captured, Refunded: r.Refunded, Owed: r.Owed, Questions: len(r.Questions), Dispute: r.Dispute(),
	}
}

// visitRows returns a page of the visits that k may see.
func (a *API) visitRows(c echo.Context, p page) (list[projections.VisitRow], error) {
	if err := a.fresh(c, a.s.Visits.WaitFor); err != nil {
		return list[projections.VisitRow]{}, err
	}
	k, store, status := caller(c), c.QueryParam("store"), c.QueryParam("status")
	out := list[projections.VisitRow]{Items: []projections.VisitRow{}}
	a.s.Visits.View(func(v *projections.Visits) {
		for r := range v.Newest(p.before) {
			switch {
			case k.Role == keys.Shopper && string(r.Shopper) != k.Shopper,
				store != "" && string(r.Store) != store,
				status != "" && string(r.Status) != status:
				continue
			}
			if len(out.Items) == p.limit {
				out.Next = cursorAt(out.Items[p.limit-1].First)
				return
			}
			out.Items = append(out.Items, r)
		}
	})
	return out, nil
}

func (a *API) getVisits(c echo.Context) error {
	p, err := pageOf(c)
	if err != nil {
		return err
	}
	rows, err := a.visitRows(c, p)
	if err != nil {
		return err
	}
	out := list[visitRow]{Items: []visitRow{}, Next: rows.Next}
	for _, r := range rows.Items {
		out.Items = append(out.Items, viewRow(r))
	}
	return c.JSON(http.StatusOK, out)
}

type visitView struct {
	Visit       ledger.VisitID       `json:"visit"`
	Store       ledger.StoreID       `json:"store"`
	Shopper     ledger.ShopperID     `json:"shopper"`
	Status      string               `json:"status"`
	Presented   time.Time            `json:"presented_at,omitzero"`
	Entered     time.Time            `json:"entered_at,omitzero"`
	Exited      time.Time            `json:"exited_at,omitzero"`
	Refused     ledger.RefusalReason `json:"refused,omitempty"`
	Cart        cartView             `json:"cart"`
	Provisional *receiptView         `json:"provisional,omitempty"`
	Receipts    []receiptView        `json:"receipts"`
	Disputes    []disputeView        `json:"disputes"`
	Payment     paymentView          `json:"payment"`
	Settled     ledger.SettledAs     `json:"settled,omitempty"`
}

func (a *API) getVisit(c echo.Context) error {
	s, err := a.storyFor(c, ledger.VisitID(c.Param("visit")))
	if err != nil {
		return err
	}
	cart, err := viewCart(s.cart)
	if err != nil {
		return err
	}
	v := visitView{
		Visit: s.visit, Store: s.cart.Presented.Store, Shopper: s.cart.Presented.Shopper, Status: cart.Status,
		Presented: s.cart.PresentedAt, Entered: s.cart.EnteredAt, Exited: s.cart.ExitedAt, Refused: s.cart.Refusal,
		Cart: cart, Receipts: viewReceipts(&s.disputes.Receipts), Disputes: []disputeView{}, Payment: viewPayment(s),
	}
	if s.cart.Settled != nil {
		v.Settled = s.cart.Settled.Outcome
	}
	if s.cart.Provisional != nil && s.cart.Issued == nil {
		v.Provisional = &receiptView{Kind: "provisional", Document: *s.cart.Provisional, Event: s.provisional()}
	}
	for _, d := range s.disputes.Disputes {
		v.Disputes = append(v.Disputes, viewDispute(d, staff(c)))
	}
	return c.JSON(http.StatusOK, v)
}

// staff reports whether the caller works for the shop.
func staff(c echo.Context) bool { return caller(c).Role != keys.Shopper }

// provisional returns the event of the latest provisional receipt.
func (s *story) provisional() ledger.ID {
	var id ledger.ID
	for _, e := range s.events {
		if e.Kind == ledger.KindReceiptProvisional {
			id = e.ID
		}
	}
	return id
}

func (a *API) getCart(c echo.Context) error {
	s, err := a.storyFor(c, ledger.VisitID(c.Param("visit")))
	if err != nil {
		return err
	}
	v, err := viewCart(s.cart)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, v)
}

type replayView struct {
	Visit ledger.VisitID `json:"visit"`
	Steps []replayStep   `json:"steps"`
}

type replayStep struct {
	Event    eventView            `json:"event"`
	Cart     cartView             `json:"cart"`
	Evidence []ledger.EvidenceRef `json:"evidence"`
}

func (a *API) getReplay(c echo.Context) error {
	s, err := a.storyFor(c, ledger.VisitID(c.Param("visit")))
	if err != nil {
		return err
	}
	steps, err := s.steps()
	if err != nil {
		return err
	}
	out := replayView{Visit: s.visit, Steps: []replayStep{}}
	for _, st := range steps {
		e, err := viewEvent(st.Event, s.visit, caller(c))
		if err != nil {
			return err
		}
		cart, err := viewCart(st.Cart)
		if err != nil {
			return err
		}
		refs := evidenceOf(st.Event.Payload)
		if refs == nil {
			refs = []ledger.EvidenceRef{}
		}
		out.Steps = append(out.Steps, replayStep{Event: e, Cart: cart, Evidence: refs})
	}
	return c.JSON(http.StatusOK, out)
}
