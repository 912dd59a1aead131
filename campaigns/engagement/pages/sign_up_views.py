"""The sign-up page of a list: its address, what it says, and how many signed up."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.models import ContactList
from campaigns.engagement.pages.sign_up_forms import SignUpForm
from campaigns.engagement.sign_up import terms
from campaigns.team.pages.access import current_user, get_object_for, permission_required
from campaigns.team.permissions import Permission


@permission_required(Permission.SEND)
@require_http_methods(["GET", "HEAD", "POST"])
def list_sign_up(request: HttpRequest, pk: int) -> HttpResponse:
    """Let people sign up to a list themselves, or no longer."""
    user = current_user(request)
    lists = ContactList.objects.all()
    contact_list = get_object_for(user, lists, Permission.EDIT_CONTACTS, pk=pk)
    page = terms.page_of(contact_list)
    form = SignUpForm(request.POST or None, page)
    if request.method == "POST" and form.is_valid():
        try:
            terms.set_terms(contact_list, form.terms(), user)
        except ContactsError as refused:
            messages.error(request, str(refused))
            return redirect("list-list")
        messages.success(request, _("Saved."))
        return redirect("list-sign-up", pk)
    context = {
        "list": contact_list,
        "form": form,
        "page": page,
        "address": terms.address_of(page) if page else "",
        "problems": terms.problems(page) if page else [],
        "most": terms.most_a_day(page) if page else None,
        "days": terms.latest_days(contact_list),
        "a_day": terms.A_DAY,
    }
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/engagement/list_sign_up.html", context, status=status)
