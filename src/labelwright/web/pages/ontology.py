"""The ontology editor: classes and attributes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from starlette.responses import Response

from labelwright.errors import NotFound
from labelwright.models.projects import Attribute, LabelClass, Project
from labelwright.services import access, ontology, stats
from labelwright.services.ontology import AttributeInput, ClassInput
from labelwright.web import words
from labelwright.web.pages.common import project_of, project_page, url_of
from labelwright.web.view import View


def show(view: View, uid: str) -> Response:
    """Classes with their attributes, and the item's and frames' attributes."""
    project = project_of(view, uid)
    attributes = ontology.attributes_of(view.session, project.id)
    return project_page(
        view,
        "ontology.html",
        project,
        "ontology",
        classes=ontology.classes_of(view.session, project.id),
        used=_used(view, project),
        by_class=lambda name: [a for a in attributes if a.scope == "object" and a.classes and name in a.classes],
        shared=[a for a in attributes if a.scope != "object" or a.classes is None],
        words=words,
    )


def class_form(view: View, uid: str, class_uid: str = "") -> Response:
    """The dialog for a new or a present class."""
    project = project_of(view, uid, "manage")
    row = _class(view, project, class_uid) if class_uid else None
    count = len(ontology.classes_of(view.session, project.id))
    return view.part(
        "_class_form.html",
        project,
        row=row,
        color=row.color if row else ontology.PALETTE[count % len(ontology.PALETTE)],
        palette=ontology.PALETTE,
        hotkey=row.hotkey if row else (str(count + 1) if count < 9 else ""),
        in_use=_used(view, project).get(row.id, 0) if row else 0,
        words=words,
    )


def save_class(view: View, uid: str, class_uid: str = "") -> Response:
    """Make a class or change it."""
    project = project_of(view, uid, "manage")
    values: dict[str, Any] = {
        "name": view.text("name"),
        "display_name": view.text("display_name"),
        "shapes": view.texts("shapes"),
        "color": view.text("color").upper(),
        "hotkey": view.text("hotkey"),
    }
    if class_uid:
        ontology.change_class(view.session, project, _class(view, project, class_uid), **values)
    else:
        ontology.add_class(view.session, project, ClassInput(**values))
    return _changed(view, project, f"Saved the class {values['display_name'] or values['name']}.")


def delete_class(view: View, uid: str, class_uid: str) -> Response:
    """Take a class away that nothing is labeled with."""
    project = project_of(view, uid, "manage")
    row = _class(view, project, class_uid)
    ontology.remove_class(view.session, project, row)
    return _changed(view, project, f"Deleted the class {row.name}.")


def order(view: View, uid: str) -> Response:
    """Put the classes in the order of their uids in `order`, separated by commas."""
    project = project_of(view, uid, "manage")
    wanted = {uid: position for position, uid in enumerate(view.text("order").split(","))}
    for row in ontology.classes_of(view.session, project.id):
        position = wanted.get(str(row.uid), len(wanted))
        if row.position != position:
            ontology.change_class(view.session, project, row, position=position)
    return _changed(view, project, "Saved the order.")


def attribute_form(view: View, uid: str, attribute_uid: str = "") -> Response:
    """The dialog for a new or a present attribute."""
    project = project_of(view, uid, "manage")
    return view.part(
        "_attribute_form.html",
        project,
        row=_attribute(view, project, attribute_uid) if attribute_uid else None,
        classes=ontology.classes_of(view.session, project.id),
        chosen=view.query.get("class", ""),
        words=words,
    )


def save_attribute(view: View, uid: str, attribute_uid: str = "") -> Response:
    """Make an attribute or change it."""
    project = project_of(view, uid, "manage")
    options = [line.strip() for line in view.text("options").splitlines() if line.strip()]
    values: dict[str, Any] = {
        "display_name": view.text("display_name"),
        "options": options,
        "required": view.flag("required"),
        "mutable": view.flag("mutable"),
    }
    if attribute_uid:
        row = _attribute(view, project, attribute_uid)
        if row.scope == "object":
            values["classes"] = view.texts("classes") or None
        ontology.change_attribute(view.session, project, row, **values)
        return _changed(view, project, f"Saved the attribute {row.name}.")
    kind, scope = _one_of(view.text("kind"), words.ATTRIBUTE_KINDS), _one_of(view.text("scope"), words.SCOPES)
    classes = view.texts("classes") or None
    ontology.add_attribute(
        view.session, project, AttributeInput(view.text("name"), kind=kind, scope=scope, classes=classes, **values)
    )
    return _changed(view, project, f"Added the attribute {view.text('name')}.")


def delete_attribute(view: View, uid: str, attribute_uid: str) -> Response:
    """Take an attribute away."""
    project = project_of(view, uid, "manage")
    row = _attribute(view, project, attribute_uid)
    ontology.remove_attribute(view.session, project, row)
    return _changed(view, project, f"Deleted the attribute {row.name}.")


def _changed(view: View, project: Project, text: str) -> Response:
    return view.done(url_of(project, "/ontology"), text)


def _used(view: View, project: Project) -> dict[int, int]:
    return {class_id: objects for class_id, (objects, _) in stats.label_totals(view.session, project).items()}


def _class(view: View, project: Project, uid: str) -> LabelClass:
    return _row(view, project, LabelClass, uid, "class")


def _attribute(view: View, project: Project, uid: str) -> Attribute:
    return _row(view, project, Attribute, uid, "attribute")


def _row(view: View, project: Project, table: Any, uid: str, what: str) -> Any:
    row = view.session.scalar(select(table).where(table.project_id == project.id, table.uid == access.as_uid(uid)))
    if row is None:
        raise NotFound(f"There is no such {what} in this project; somebody may have deleted it.")
    return row


def _one_of(value: str, known: dict[str, str]) -> Any:
    return value if value in known else next(iter(known))
