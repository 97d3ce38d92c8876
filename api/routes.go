package api

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/keys"
)

// A route is one method of one address, and who may use it. It is the whole
// of what roles may do; which shop's or shopper's things it is, the handler
// finds out.
type route struct {
	method, path string
	roles        []keys.Role // nobody else sees that there is something
	open         bool        // no key is needed
	repeats      bool        // an Idempotency-Key gives the first answer again
	limit        int64       // bytes of the body; 0 is none at all, -1 the handler's
	handle       echo.HandlerFunc
}

// Who works with what.
var (
	devices     = []keys.Role{keys.Device, keys.Operator}
	watchers    = []keys.Role{keys.Shopper, keys.Reviewer, keys.Finance, keys.Auditor, keys.Operator}
	payers      = []keys.Role{keys.Shopper, keys.Operator}
	lookers     = []keys.Role{keys.Shopper, keys.Reviewer, keys.Auditor, keys.Operator}
	keepers     = []keys.Role{keys.Shopper, keys.Finance, keys.Auditor, keys.Operator}
	bookkeepers = []keys.Role{keys.Finance, keys.Auditor}
	closers     = []keys.Role{keys.Finance}
	pricers     = []keys.Role{keys.Finance, keys.Auditor, keys.Operator}
	checkers    = []keys.Role{keys.Finance, keys.Operator}
	reviewers   = []keys.Role{keys.Reviewer}
	queuers     = []keys.Role{keys.Reviewer, keys.Auditor}
	relookers   = []keys.Role{keys.Device, keys.Reviewer}
	wonderers   = []keys.Role{keys.Reviewer, keys.Finance, keys.Auditor, keys.Operator}
	verifiers   = []keys.Role{keys.Device, keys.Reviewer, keys.Auditor, keys.Operator}
	attendants  = []keys.Role{keys.Reviewer, keys.Operator}
	auditors    = []keys.Role{keys.Auditor}
	operators   = []keys.Role{keys.Operator}
	shoppers    = []keys.Role{keys.Shopper}
	caretakers  = []keys.Role{keys.Operator, keys.Auditor}
	claimers    = []keys.Role{keys.Operator, keys.Finance, keys.Auditor}
	palmReaders = []keys.Role{keys.Shopper, keys.Device, keys.Operator, keys.Auditor}
	palmOwners  = []keys.Role{keys.Shopper, keys.Operator, keys.Auditor}
)

func (a *API) routes() []route {
	get, post, put, head := http.MethodGet, http.MethodPost, http.MethodPut, http.MethodHead
	return append([]route{
		{method: post, path: "/v1/gate/entries", roles: devices, limit: maxBody, handle: a.postEntry},
		{method: get, path: "/v1/gate/entries/:visit", roles: devices, handle: a.getEntry},
		{method: post, path: "/v1/gate/exits", roles: devices, limit: maxBody, handle: a.postExit},
		{method: post, path: "/v1/gate/tailgates", roles: devices, limit: maxBody, handle: a.postTailgate},
		{method: get, path: "/v1/gate/keys", roles: []keys.Role{keys.Device}, handle: a.getGateKeys},
		{method: post, path: "/v1/tickets", roles: payers, repeats: true, limit: maxBody, handle: a.postTicket},
		{method: post, path: "/v1/detections", roles: devices, limit: maxBatchBody, handle: a.postDetections},
		{method: put, path: "/v1/evidence/:digest", roles: devices, limit: -1, handle: a.putEvidence},
		{method: head, path: "/v1/evidence/:digest", roles: append(slices.Clone(lookers), keys.Device), handle: a.headEvidence},
		{method: get, path: "/v1/evidence/:digest", roles: lookers, handle: a.getEvidence},
		{method: get, path: "/v1/visits", roles: watchers, handle: a.getVisits},
		{method: get, path: "/v1/visits/:visit", roles: watchers, handle: a.getVisit},
		{method: get, path: "/v1/visits/:visit/cart", roles: append(slices.Clone(watchers), keys.Device), handle: a.getCart},
		{method: get, path: "/v1/visits/:visit/live", roles: watchers, handle: a.getLive},
		{method: get, path: "/v1/visits/:visit/replay", roles: watchers, handle: a.getReplay},
		{
			method: post, path: "/v1/visits/:visit/coupons", roles: append(slices.Clone(payers), keys.Device), repeats: true,
			limit: maxBody, handle: a.postCoupon,
		},
		{method: get, path: "/v1/visits/:visit/detections", roles: verifiers, handle: a.getDetections},
		{
			method: post, path: "/v1/visits/:visit/reverifications", roles: relookers, limit: maxBody,
			handle: a.postReverification,
		},
		{method: post, path: "/v1/visits/:visit/what-if", roles: wonderers, limit: maxBody, handle: a.postWhatIf},
		{method: post, path: "/v1/visits/:visit/weighings", roles: devices, limit: maxBody, handle: a.postWeighing},
		{
			method: post, path: "/v1/visits/:visit/age", roles: attendants, repeats: true, limit: maxBody, handle: a.postAge,
		},
		{method: get, path: "/v1/streams/:stream", roles: auditors, handle: a.getStream},
		{method: get, path: "/v1/receipts", roles: keepers, handle: a.getReceipts},
		{method: get, path: "/v1/receipts/:number", roles: watchers, handle: a.getReceipt},
		{method: get, path: "/v1/receipts/:number/forms/:form", roles: watchers, handle: a.getReceiptForm},
		{method: get, path: "/v1/visits/:visit/paper/:form", roles: watchers, handle: a.getVisitPaper},
		{
			method: post, path: "/v1/receipts/:number/disputes", roles: payers, repeats: true, limit: maxBody,
			handle: a.postDispute,
		},
		{method: get, path: "/v1/disputes", roles: watchers, handle: a.getDisputes},
		{
			method: post, path: "/v1/disputes/:dispute/decision", roles: reviewers, repeats: true, limit: maxBody,
			handle: a.postDisputeDecision,
		},
		{method: get, path: "/v1/reviews", roles: queuers, handle: a.getReviews},
		{
			method: post, path: "/v1/reviews/:detection/decision", roles: reviewers, repeats: true, limit: maxBody,
			handle: a.postReviewDecision,
		},
		{method: get, path: "/v1/chargebacks", roles: claimers, handle: a.getChargebacks},
		{method: get, path: "/v1/chargebacks/:chargeback", roles: claimers, handle: a.getChargeback},
		{method: get, path: "/v1/chargebacks/:chargeback/evidence", roles: claimers, handle: a.getChargebackEvidence},
		{
			method: post, path: "/v1/chargebacks/:chargeback/answer", roles: operators, repeats: true, limit: maxBody,
			handle: a.postChargebackAnswer,
		},
		{method: put, path: "/v1/shops/:store", roles: operators, limit: maxBatchBody, handle: a.putShop},
		{method: get, path: "/metrics", roles: operators, handle: a.getMetrics},
		{method: post, path: "/webhooks/stripe", open: true, limit: maxBody, handle: a.postStripe},
		{method: get, path: "/tlog/checkpoint", open: true, handle: a.getCheckpoint},
		{method: get, path: "/tlog/tile/:level/*", open: true, handle: a.getTile},
		{method: get, path: "/tlog/tile/entries/*", roles: auditors, handle: a.getBundle},
		{method: get, path: "/openapi.json", open: true, handle: a.getDocument},
		{method: get, path: "/healthz", open: true, handle: a.getHealth},
		{method: get, path: "/readyz", open: true, handle: a.getReadiness},
	}, slices.Concat(a.bookRoutes(), a.exceptionRoutes(), a.moneyRoutes(), a.deviceRoutes(), a.shelfRoutes(), a.palmRoutes())...)
}

// bookRoutes are about the books.
func (a *API) bookRoutes() []route {
	get, post := http.MethodGet, http.MethodPost
	return []route{
		{method: get, path: "/v1/journal", roles: bookkeepers, handle: a.getJournal},
		{method: get, path: "/v1/journal/balances", roles: bookkeepers, handle: a.getBalances},
		{method: get, path: "/v1/reports/trial-balance", roles: bookkeepers, handle: a.getTrialBalance},
		{method: get, path: "/v1/reports/sales", roles: bookkeepers, handle: a.getSales},
		{method: get, path: "/v1/reports/tax", roles: bookkeepers, handle: a.getTax},
		{method: get, path: "/v1/reports/exposure", roles: bookkeepers, handle: a.getExposure},
		{method: get, path: "/v1/shops/:store/days", roles: bookkeepers, handle: a.getDays},
		{method: post, path: "/v1/shops/:store/days/:day/close", roles: closers, repeats: true, handle: a.postDayClose},
		{method: get, path: "/v1/shops/:store/price-accuracy", roles: pricers, handle: a.getPrices},
		{method: post, path: "/v1/shops/:store/price-checks", roles: checkers, repeats: true, limit: maxBatchBody, handle: a.postPriceChecks},
		{method: get, path: "/v1/shops/:store/price-list", roles: devices, handle: a.getPriceList},
	}
}

// moneyRoutes are about what is owed, given back and not known.
func (a *API) moneyRoutes() []route {
	get, post := http.MethodGet, http.MethodPost
	return []route{
		{method: get, path: "/v1/debts", roles: keepers, handle: a.getDebts},
		{
			method: post, path: "/v1/debts/:visit/payment", roles: shoppers, repeats: true, limit: maxBody,
			handle: a.postDebtPayment,
		},
		{method: get, path: "/v1/debts/:visit/confirmation", roles: shoppers, handle: a.getConfirmation},
		{method: get, path: "/v1/supplements", roles: shoppers, handle: a.getSupplements},
		{
			method: post, path: "/v1/supplements/:proposal/answer", roles: payers, repeats: true, limit: maxBody,
			handle: a.postSupplementAnswer,
		},
		{method: get, path: "/v1/escalations", roles: append(bookkeepers, keys.Operator), handle: a.getEscalations},
		{
			method: post, path: "/v1/escalations/:escalation/resolution", roles: operators, repeats: true, limit: maxBody,
			handle: a.postResolution,
		},
		{method: post, path: "/v1/receipts/:number/goodwill", roles: operators, repeats: true, limit: maxBody, handle: a.postGoodwill},
		{method: post, path: "/v1/receipts/:number/cash", roles: operators, repeats: true, limit: maxBody, handle: a.postCash},
		{method: post, path: "/v1/visits/:visit/write-off", roles: operators, repeats: true, limit: maxBody, handle: a.postWriteOff},
		{method: get, path: "/v1/visits/:visit/evidence-holds", roles: append(auditors, keys.Operator), handle: a.getHolds},
		{method: post, path: "/v1/visits/:visit/evidence-holds", roles: operators, repeats: true, limit: maxBody, handle: a.postHold},
		{
			method: post, path: "/v1/visits/:visit/evidence-holds/:hold/release", roles: operators, repeats: true, limit: maxBody,
			handle: a.postRelease,
		},
		{method: post, path: "/v1/visits/:visit/match", roles: operators, repeats: true, limit: maxBody, handle: a.postMatch},
		{method: get, path: "/v1/visits/:visit/receipt", roles: watchers, handle: a.getVisitReceipt},
	}
}

func (a *API) addRoutes() {
	checked := a.document.checked()
	for _, r := range append(a.routes(), a.pageRoutes()...) {
		var chain []echo.MiddlewareFunc
		if !r.open {
			chain = append(chain, a.authenticated, permitted(r.roles))
		}
		if r.limit >= 0 {
			chain = append(chain, bounded(r.limit))
		}
		if len(r.path) > 3 && r.path[:4] == "/v1/" {
			chain = append(chain, checked)
		}
		if r.repeats {
			chain = append(chain, a.repeated)
		}
		a.echo.Add(r.method, r.path, r.handle, chain...)
	}
}
