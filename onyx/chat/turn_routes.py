from flask import Blueprint
blueprint = Blueprint("turn_routes", __name__)
